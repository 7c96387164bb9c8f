import { codePoint, type Piece, type Syntax } from './pattern-syntax.ts'

/**
 * Patterns that the native engine may have. It backtracks, and there are patterns that it does not finish in a lifetime;
 * so it gets only those for which the steps from one character of a text are bounded by a small number, whatever the
 * text is. A search then takes at most so many steps for every character.
 */

/** Steps from one character that are allowed. */
const MOST_STEPS = 256

/** The most that a backtracking engine does from one character on. */
interface Effort {
  /** Ways to match. */
  readonly ways: number
  readonly steps: number
}

const ONE: Effort = { ways: 1, steps: 1 }
const NOTHING: Effort = { ways: 1, steps: 0 }

/** A pattern for the native engine; undefined where nothing bounds what it would do. */
export function nativePattern({ piece, ignoreCase }: Syntax): RegExp | undefined {
  const short = withoutTail(piece)
  const { steps } = effortOf(short)
  return steps <= MOST_STEPS ? new RegExp(sourceOf(short), ignoreCase ? 'iu' : 'u') : undefined
}

/** What is repeated at the very end need not be repeated: whether there is a match is known before. */
function withoutTail(piece: Piece): Piece {
  if (piece.kind === 'repeat') return { ...piece, most: piece.least }
  if (piece.kind !== 'sequence' || piece.pieces.length === 0) return piece
  return { kind: 'sequence', pieces: [...piece.pieces.slice(0, -1), withoutTail(piece.pieces.at(-1)!)] }
}

function effortOf(piece: Piece): Effort {
  switch (piece.kind) {
    case 'character':
    case 'class':
    case 'place':
      return ONE
    case 'sequence':
      return piece.pieces.map(effortOf).reduce(then, NOTHING)
    case 'choice':
      return piece.pieces.map(effortOf).reduce(either)
    case 'repeat':
      return repeated(effortOf(piece.piece), piece.least, piece.most)
  }
}

/** Whatever comes second is tried again for each way in which the first can match. */
const then = (first: Effort, second: Effort): Effort => ({
  ways: first.ways * second.ways,
  steps: first.steps + first.ways * second.steps,
})

const either = (one: Effort, other: Effort): Effort => ({
  ways: one.ways + other.ways,
  steps: one.steps + other.steps + 1,
})

function repeated(once: Effort, least: number, most: number): Effort {
  if (most === Number.POSITIVE_INFINITY) return { ways: most, steps: most }
  let effort = NOTHING
  for (let i = 0; i < most && effort.steps <= MOST_STEPS; i++) {
    effort = then(effort, i < least ? once : either(once, NOTHING))
  }
  return effort
}

function sourceOf(piece: Piece): string {
  switch (piece.kind) {
    case 'character':
      return codePoint(piece.text)
    case 'class':
    case 'place':
      return piece.source
    case 'sequence':
      return piece.pieces.map(sourceOf).join('')
    case 'choice':
      return `(?:${piece.pieces.map(sourceOf).join('|')})`
    case 'repeat':
      return `(?:${sourceOf(piece.piece)}){${piece.least},${piece.most}}`
  }
}
