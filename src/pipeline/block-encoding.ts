import type { Dropped } from '../codec/control.ts'
import type { RunTaken } from '../record/run.ts'
import type { Source } from '../record/source.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from '../render/encoder.ts'
import type { Chunk, ChunkPool } from './chunk.ts'
import type { Gate } from './gate.ts'

/** Makes chunks of a block's entries, one block after the other. Entries are counted from 1. */
export class BlockEncoding {
  readonly #encoder: Encoder
  readonly #pool: ChunkPool
  readonly #gate: Gate | undefined
  #chunks: Chunk[] = []
  #base = 0
  #timeMs = 0
  /** Entries of the block in front of the chunk that is being filled. */
  #from = 0
  #notesLeftOut = 0
  /** The one that the gate is asked about. */
  #entry = 0

  /** @param gate asked for every record; those that do not pass are counted as filtered */
  constructor(encoder: Encoder, pool: ChunkPool, gate?: Gate) {
    this.#encoder = encoder
    this.#pool = pool
    this.#gate = gate
  }

  /**
   * A block begins.
   *
   * @param position of its first entry
   * @param timeMs when its oldest record was received, in milliseconds since 1970
   * @param skip entries at its beginning that will not come
   */
  begin(position: number, timeMs: number, skip = 0): void {
    this.#base = position
    this.#timeMs = timeMs
    this.#from = skip
    this.#chunks = []
    this.#notesLeftOut = 0
    this.#open(0)
  }

  /** A record that is wanted, and has been walked. */
  record(record: RecordView, entry: number): void {
    this.#entry = entry
    if (this.#gate !== undefined && !this.#gate.admit(record, this.#aside)) return
    const bytes = this.#encoder.room(record)
    const chunk = this.#roomFor(bytes, entry - 1)
    chunk.add(this.#encoder.encode(record, chunk.room, chunk.length), entry - this.#from)
  }

  /**
   * Records that follow each other, from the block's bytes, many at once.
   *
   * @param first stands on the first, which has not been walked
   * @param available behind the block's last byte
   * @param entry of the first
   * @returns what was taken; undefined when the first has to come as `record`
   */
  run(first: RecordView, available: number, entry: number): RunTaken | undefined {
    const chunk = this.#chunks.at(-1)!
    const { length } = chunk
    const run = { first, available, most: chunk.recordsLeft }
    const rendered = this.#encoder.encodeRun?.(run, chunk.room, length)
    if (rendered === undefined) return undefined
    let after = entry - this.#from
    for (const end of rendered.ends) chunk.add(length + end, after++)
    return rendered
  }

  /** Whether it takes many records at once: there is a way, and nothing to ask about each. */
  get takesRuns(): boolean {
    return this.#encoder.encodeRun !== undefined && this.#gate === undefined
  }

  /** Word of records that a sender did not keep. */
  dropped(dropped: Dropped, source: Source, entry: number): void {
    if (this.#encoder.encodeDropped === undefined) {
      this.#notesLeftOut++
      return
    }
    // Encoded before the room is known: where another chunk has to begin it is encoded anew, with all that it needs.
    let bytes = this.#encoder.encodeDropped(dropped, source)
    let chunk = this.#chunks.at(-1)!
    if (!chunk.fits(bytes.length)) {
      chunk = this.#roomFor(bytes.length, entry - 1)
      bytes = this.#encoder.encodeDropped(dropped, source)
    }
    chunk.room.bytes.set(bytes, chunk.length)
    chunk.addNote(chunk.length + bytes.length, entry - this.#from)
  }

  /**
   * The block has ended.
   *
   * @param entries of the whole block
   * @param waits whether its records may have to wait for their destinations
   * @returns its chunks, each with one holder: whoever asked
   */
  end(entries: number, waits = true): Chunk[] {
    this.#seal(entries, waits)
    return this.#chunks
  }

  /** A record of the gate's own, in front of the present entry. */
  readonly #aside = (record: RecordView): void => {
    const before = this.#entry - 1
    const chunk = this.#roomFor(this.#encoder.room(record), before)
    chunk.addAside(this.#encoder.encode(record, chunk.room, chunk.length), before - this.#from)
  }

  #roomFor(bytes: number, entriesBefore: number): Chunk {
    const chunk = this.#chunks.at(-1)!
    if (chunk.fits(bytes)) return chunk
    // An empty one that is too small is not worth keeping.
    if (chunk.records === 0 && entriesBefore === this.#from) this.#pool.release(this.#chunks.pop()!)
    else this.#seal(entriesBefore)
    return this.#open(bytes)
  }

  #open(bytes: number): Chunk {
    this.#encoder.begin?.()
    const chunk = this.#pool.take(bytes)
    chunk.holders = 1
    chunk.startPosition = this.#base + this.#from
    chunk.timeMs = this.#timeMs
    this.#chunks.push(chunk)
    return chunk
  }

  /** Ends the last chunk behind so many entries of the block. */
  #seal(entries: number, waits = true): void {
    const chunk = this.#chunks.at(-1)!
    chunk.endPosition = this.#base + entries
    chunk.notesLeftOut = this.#notesLeftOut
    const entriesInIt = chunk.records - chunk.asides.length
    chunk.filtered = entries - this.#from - entriesInIt - this.#notesLeftOut
    this.#from = entries
    this.#notesLeftOut = 0
    // What may wait should not keep a whole buffer for a few records.
    if (waits) this.#chunks[this.#chunks.length - 1] = this.#pool.compact(chunk)
  }
}
