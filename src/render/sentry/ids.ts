import { Field } from '../../codec/fields.ts'
import type { Source } from '../../record/source.ts'
import { uidOf, uidPrefix } from '../../record/uid.ts'
import type { RecordView } from '../../record/view.ts'

/** Ids that Sentry wants of 32 hex digits, made of what a record is: the same whenever it is sent again. */

/** Hex digits of an event's id, or a trace's. */
export const ID_DIGITS = 32

const HEX = new TextEncoder().encode('0123456789abcdef')
const LANES = 4
const FNV_PRIME = 0x01000193
const SEEDS = [0x811c9dc5, 0x01c9dc51, 0x5bd1e995, 0x27d4eb2f] as const
/** Boot id and dash: 16 digits and a character. */
const BOOT_DIGITS = 16

/** Writes ids; remembers what the records of a source share. */
export class SentryIds {
  #source: Source | undefined
  #prefix = ''
  readonly #seeds = new Uint32Array(LANES)

  /**
   * Writes the id of a record's event: boot id and sequence, 16 hex digits each, which are its unique id; a hash of that
   * where it has no sequence (logfebe-1).
   */
  writeEventId(record: RecordView, out: Uint8Array, at: number): number {
    this.#know(record.source)
    const sequence = record.sequenceStart + record.sequenceOffset
    // An id is not all zeros.
    const plain = sequence > 0 && Number.isSafeInteger(sequence) && record.sequenceStart !== -1
    if (!plain || this.#prefix.length !== BOOT_DIGITS + 1) {
      const uid = Buffer.from(uidOf(record))
      return this.#writeHash(uid, 0, uid.length, out, at)
    }
    for (let i = 0; i < BOOT_DIGITS; i++) out[at + i] = this.#prefix.charCodeAt(i)
    return writeHex(out, writeHex(out, at + BOOT_DIGITS, Math.floor(sequence / 2 ** 32)), sequence)
  }

  /** Writes the id of the trace that a record belongs to where no statement names one: its session. */
  writeSessionTrace(record: RecordView, out: Uint8Array, at: number): number {
    this.#know(record.source)
    const { bytes, spans } = record
    return this.#writeHash(bytes, spans[2 * Field.SessionId]!, spans[2 * Field.SessionId + 1]!, out, at)
  }

  #know(source: Source): void {
    if (source === this.#source) return
    this.#source = source
    this.#prefix = uidPrefix(source)
    const prefix = Buffer.from(this.#prefix)
    for (const [lane, seed] of SEEDS.entries())
      this.#seeds[lane] = mixed(prefix.reduce((hash, byte) => Math.imul(hash ^ byte, FNV_PRIME), seed))
  }

  #writeHash(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
    for (let lane = 0; lane < LANES; lane++) {
      let hash = this.#seeds[lane]!
      for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, FNV_PRIME)
      // No id is all zeros.
      at = writeHex(out, at, lane === 0 ? mixed(hash) | 1 : mixed(hash))
    }
    return at
  }
}

/** The low 32 bits as eight hex digits. */
function writeHex(out: Uint8Array, at: number, value: number): number {
  for (let i = 7; i >= 0; i--, value = Math.floor(value / 16)) out[at + i] = HEX[value & 15]!
  return at + 8
}

/** Spreads every bit over all. */
export function mixed(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
