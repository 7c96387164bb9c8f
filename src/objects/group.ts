import type { Batch } from '../exporter.ts'
import { envelopeBody } from '../render/envelope.ts'
import {
  type ObjectSource,
  objectMicrosAt,
  objectSequenceAt,
  objectSourceEnd,
  objectSourceStart,
  readObjectSource,
} from '../render/object-head.ts'

const HOUR_MICROS = 3_600_000_000
const LENGTH_BYTES = 4

/** The records of a batch of envelopes (`ObjectHeadWriter`), each by its index; nothing is made for a record until it is asked for. */
export class Envelopes {
  readonly bytes: Buffer
  readonly #ends: Uint32Array
  readonly #view: DataView

  constructor({ bytes, ends }: Batch) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#ends = ends
  }

  /** Where the record's body begins. */
  body(index: number): number {
    return envelopeBody(this.#view, this.#start(index))
  }

  /** Where it ends. */
  end(index: number): number {
    return this.#ends[index]!
  }

  /** When it was written, in microseconds since 1970. */
  micros(index: number): number {
    return objectMicrosAt(this.#view, this.head(index))
  }

  /** In its ring; -1: it has none. */
  sequence(index: number): number {
    return objectSequenceAt(this.#view, this.head(index))
  }

  /** What follows its source's prefix in its unique id. */
  ownUid(index: number): string {
    const sequence = this.sequence(index)
    if (sequence >= 0) return String(sequence)
    return this.bytes.toString('utf8', objectSourceEnd(this.#view, this.head(index)), this.body(index))
  }

  /** The number that orders records of one ring: a sequence, or a time where there is none. */
  order(index: number): number {
    const sequence = this.sequence(index)
    return sequence >= 0 ? sequence : this.micros(index)
  }

  /** Where its head begins. */
  head(index: number): number {
    return this.#start(index) + LENGTH_BYTES
  }

  /** Whether two records are from the same source. */
  sameSource(one: number, other: number): boolean {
    const [a, b] = [this.head(one), this.head(other)]
    const [aEnd, bEnd] = [objectSourceEnd(this.#view, a), objectSourceEnd(this.#view, b)]
    const { bytes } = this
    return bytes.compare(bytes, objectSourceStart(a), aEnd, objectSourceStart(b), bEnd) === 0
  }

  source(index: number): ObjectSource {
    const head = this.head(index)
    return readObjectSource(this.bytes.subarray(objectSourceStart(head), objectSourceEnd(this.#view, head)))
  }

  #start(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]!
  }
}

/** Records of one batch, one server and one hour (UTC), in their order: what may share an object. */
export interface Group {
  readonly envelopes: Envelopes
  readonly source: ObjectSource
  /** Hours since 1970. */
  readonly hour: number
  /** Indexes in the batch, which ascend. */
  readonly members: readonly number[]
}

interface OpenGroup extends Group {
  readonly members: number[]
}

/** Cuts a batch into groups, in the order of their first records. */
export function groupsOf(batch: Batch): Group[] {
  const envelopes = new Envelopes(batch)
  const groups: OpenGroup[] = []
  let last: OpenGroup | undefined
  for (let index = 0; index < batch.records; index++) {
    const hour = Math.floor(envelopes.micros(index) / HOUR_MICROS)
    const isOf = (one: OpenGroup) => one.hour === hour && envelopes.sameSource(one.members[0]!, index)
    if (last === undefined || !isOf(last)) {
      last = groups.find(isOf) ?? { envelopes, source: envelopes.source(index), hour, members: [] }
      if (last.members.length === 0) groups.push(last)
    }
    last.members.push(index)
  }
  return groups
}
