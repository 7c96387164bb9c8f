import * as Layout from '../../kernel/layout.ts'
import { FIELD_COUNT, KINDS } from '../codec/fields.ts'
import { FRAME_HEADER_BYTES } from '../codec/frame.ts'
import { rankOf } from '../codec/severity.ts'
import { SEVERITY_KEYS } from './json-parts.ts'
import { JSON_STEPS, KEY_TABLE, type Step } from './json-program.ts'
import { KERNEL } from './kernel.generated.ts'
import { bytesOf, type Piece } from './room.ts'
import { MOST_RUN_BYTES, type Run } from './run.ts'
import { NAMES_BY_CODE } from './sqlstate.ts'
import type { RecordView } from './view.ts'

/** What the compiled module offers: see kernel/json.ts. */
interface Compiled {
  readonly memory: WebAssembly.Memory
  render(from: number, to: number, moved: number, at: number): number
  renderRun(
    at: number,
    to: number,
    program: number,
    programEnd: number,
    out: number,
    limit: number,
    most: number,
  ): number
}

/** What the records of one source share. */
export interface SourcePieces {
  readonly tail: Piece
  readonly uid: Piece
}

/** Where a list of steps stands in memory. */
interface Program {
  readonly start: number
  readonly end: number
}

const PAGE = 65_536
/** What reading and writing in whole words may touch behind the last byte. */
const OVERSHOOT = 8
/** A state without a name in JSON, as without a code. */
const SUCCESS = '00000'
/** What a run needs. */
export const RUN_BYTES = 8 * MOST_RUN_BYTES
/** A record that needs more has a memory of its own. */
const MOST_KEPT_BYTES = 16 * 1024 * 1024

/**
 * Renders records, one at a time, in a memory of its own.
 *
 * Its code, in `kernel/`, is WebAssembly: that moves eight bytes at a time where JavaScript moves four, and needs no check
 * for each of them. What it needs to know is put into its memory once.
 */
class Kernel {
  /** Of the record in memory, for `render`: see kernel/layout.ts. */
  readonly parameters: Int32Array
  /** Of the run that was rendered last. */
  readonly ends: Uint32Array
  readonly #compiled: Compiled
  readonly #bytes: Buffer
  readonly #words: DataView
  readonly #spans: Int32Array
  readonly #programs: Readonly<Record<1 | 2, Program>>
  #free = Layout.PIECES
  #pieces: SourcePieces | undefined
  #ranks: Uint8Array | undefined

  /** @param bytes that records and what they become may take together */
  constructor(compiled: Compiled, bytes: number) {
    const missing = Layout.RECORD + bytes - compiled.memory.buffer.byteLength
    if (missing > 0) compiled.memory.grow(Math.ceil(missing / PAGE))
    const { buffer } = compiled.memory
    this.#compiled = compiled
    this.#bytes = Buffer.from(buffer)
    this.#words = new DataView(buffer)
    this.#spans = new Int32Array(buffer, Layout.SPANS, 2 * FIELD_COUNT[2])
    this.parameters = new Int32Array(buffer, Layout.PARAMETERS, 16)
    this.ends = new Uint32Array(buffer, Layout.ENDS, Layout.MOST_ENDS)
    this.#bytes.set(KINDS, Layout.KINDS)
    for (const [key, piece] of KEY_TABLE) this.#placeKey(key, piece)
    SEVERITY_KEYS.forEach((piece, rank) => {
      this.#placeKey(Layout.FIRST_SEVERITY + rank, piece)
    })
    this.#placeStates()
    this.#programs = { 1: this.#placeProgram(JSON_STEPS[1]), 2: this.#placeProgram(JSON_STEPS[2]) }
  }

  /** Bytes that a record and its rendering may take together. */
  get capacity(): number {
    return this.#bytes.length - Layout.RECORD - 2 * OVERSHOOT
  }

  /** Tells what the record's source adds. */
  setPieces(pieces: SourcePieces): void {
    if (this.#pieces === pieces) return
    this.#pieces = pieces
    const { tail, uid } = pieces
    this.#bytes.set(bytesOf(tail), Layout.TAIL)
    this.#bytes.set(bytesOf(uid), Layout.UID_PREFIX)
    this.parameters[Layout.TAIL_LENGTH] = tail.length
    this.parameters[Layout.UID_LENGTH] = uid.length
  }

  /**
   * Renders a record that has been walked, and whose parameters are set, and copies the result to `out` at `at`.
   *
   * @returns the offset after the last byte
   */
  render(record: RecordView, out: Uint8Array, at: number): number {
    const { protocol } = record.source.version
    const length = record.end - record.start
    record.buffer().copy(this.#bytes, Layout.RECORD, record.start, record.end)
    this.#spans.set(record.spans)
    const target = Layout.RECORD + length + OVERSHOOT
    const { start, end } = this.#programs[protocol]
    const rendered = this.#compiled.render(start, end, Layout.RECORD - record.start, target)
    this.#bytes.copy(out, at, target, rendered)
    return at + rendered - target
  }

  /**
   * Renders records of logfebe-2 that follow each other, a line each, and copies them to `out` at `at`. Their source's pieces and
   * the first one's sequence are set.
   *
   * @returns how many; `ends` and `parameters` say where each ends, and what was taken
   */
  renderRun({ first, available, most, sparesPasswords }: Run, out: Uint8Array, at: number): number {
    this.#setRanks(first.source.ranks)
    this.parameters[Layout.SPARES_PASSWORDS] = sparesPasswords ? 1 : 0
    const start = first.start - FRAME_HEADER_BYTES
    const came = Math.max(0, Math.min(available - start, MOST_RUN_BYTES))
    first.buffer().copy(this.#bytes, Layout.RECORD, start, start + came)
    const target = Layout.RECORD + MOST_RUN_BYTES + OVERSHOOT
    const program = this.#programs[2]
    const records = this.#compiled.renderRun(
      Layout.RECORD,
      Layout.RECORD + came,
      program.start,
      program.end,
      target,
      target + Math.min(RUN_BYTES - MOST_RUN_BYTES - OVERSHOOT, out.length - at),
      Math.min(most, Layout.MOST_ENDS),
    )
    const length = records === 0 ? 0 : this.ends[records - 1]!
    this.#bytes.copy(out, at, target, target + length)
    return records
  }

  #setRanks(ranks: Uint8Array): void {
    if (this.#ranks === ranks) return
    this.#ranks = ranks
    for (let elevel = 0; elevel <= Layout.RANK_COUNT; elevel++)
      this.#bytes[Layout.RANKS + elevel] = rankOf(ranks, elevel)
  }

  #place(bytes: Uint8Array): number {
    const at = this.#free
    this.#bytes.set(bytes, at)
    this.#free += bytes.length + OVERSHOOT
    return at
  }

  #placeKey(key: number, piece: Piece): void {
    this.#words.setUint32(Layout.KEYS + 8 * key, this.#place(bytesOf(piece)), true)
    this.#words.setUint32(Layout.KEYS + 8 * key + 4, piece.length, true)
  }

  #placeStates(): void {
    const states = [...NAMES_BY_CODE]
      .filter(([code]) => code !== SUCCESS)
      .map(([code, name]) => [Buffer.from(`${code}\0\0\0`).readBigUInt64LE(), name] as const)
    states.sort(([one], [other]) => (one < other ? -1 : 1))
    states.forEach(([state, name], index) => {
      const entry = Layout.STATES + Layout.STATE_BYTES * index
      this.#words.setBigUint64(entry, state, true)
      this.#words.setUint32(entry + 8, this.#place(Buffer.from(name)), true)
      this.#words.setUint32(entry + 12, name.length, true)
    })
    this.#words.setUint32(Layout.STATE_COUNT, states.length, true)
  }

  #placeProgram(steps: readonly Step[]): Program {
    const placed = steps.map(({ what, field, key, other }) => [
      what,
      field,
      other ?? (key === undefined ? 0 : this.#place(bytesOf(key))),
      key?.length ?? 0,
    ])
    const start = Math.ceil(this.#free / 4) * 4
    placed.flat().forEach((word, index) => {
      this.#words.setInt32(start + 4 * index, word, true)
    })
    this.#free = start + Layout.STEP_BYTES * steps.length
    return { start, end: this.#free }
  }
}

let compiled: WebAssembly.Module | undefined
let kept: Kernel | undefined

function make(bytes: number): Kernel {
  compiled ??= new WebAssembly.Module(Buffer.from(KERNEL, 'base64'))
  return new Kernel(new WebAssembly.Instance(compiled).exports as unknown as Compiled, bytes)
}

/**
 * The kernel, made when it is first asked for.
 *
 * @param bytes that a record and its rendering need together
 */
export function kernelFor(bytes: number): Kernel {
  if (kept !== undefined && bytes <= kept.capacity) return kept
  // A memory does not shrink: what few records need is let go with them.
  if (bytes > MOST_KEPT_BYTES) return make(bytes + PAGE)
  kept = make(Math.max(PAGE, 2 * bytes))
  return kept
}
