import type { BlockedError, RefusedRecord } from '../errors.ts'
import { nameOfCode } from './error-codes.ts'
import type { Piece } from './pieces.ts'
import type { PartitionAnswer } from './produce.ts'

/** What leaves the loop without having been accepted. */
export interface Settled {
  readonly blocked: Piece[]
  readonly refused: RefusedRecord[]
}

/** One attempt, and what came of it. */
export interface Round {
  readonly pieces: readonly Piece[]
  readonly answers: Map<Piece, PartitionAnswer>
  /** Whether it must be asked again who leads what. */
  stale: boolean
  /** Whether the next attempt is to wait. */
  wait: boolean
  blocked?: BlockedError
}

/** Pieces that go to one broker in one request. */
export interface Request {
  readonly node: number
  readonly pieces: Piece[]
}

/** Requests, each with at most one piece of a partition, in an order that keeps each partition's. */
export function requestsOf(pieces: readonly Piece[], leader: (piece: Piece) => number): Request[] {
  const requests = new Map<string, Request>()
  const turns = new Map<string, number>()
  for (const piece of pieces) {
    const turn = turns.get(piece.key) ?? 0
    turns.set(piece.key, turn + 1)
    const node = leader(piece)
    const name = `${turn}/${node}`
    const request = requests.get(name)
    if (request === undefined) requests.set(name, { node, pieces: [piece] })
    else request.pieces.push(piece)
  }
  return [...requests.values()]
}

/** What a broker said of a piece. */
export const saidOf = ({ code, message }: PartitionAnswer): string =>
  message === null || message === '' ? nameOfCode(code) : `${nameOfCode(code)}: ${message}`

/** What is left of a piece that was refused for its contents; a record that is to blame alone is refused for good. */
export function halves(piece: Piece, answer: PartitionAnswer, refused: RefusedRecord[]): Piece[] {
  const { indexes } = piece
  const culprits = new Map(answer.culprits.map(({ index, reason }) => [indexes[index]!, reason]))
  if (indexes.length === 1) culprits.set(indexes[0]!, piece.said)
  if (culprits.size > 0) {
    for (const [index, reason] of culprits)
      refused.push({ index, reason: reason ?? piece.said, status: answer.code })
    const rest = indexes.filter((index) => !culprits.has(index))
    return rest.length > 0 ? [piece.part(rest)] : []
  }
  const middle = indexes.length >> 1
  return [piece.part(indexes.slice(0, middle)), piece.part(indexes.slice(middle))]
}
