import { crc32c } from '../codec/crc32c.ts'

/** How far one destination has come, and what became of the records before. */
export interface CursorState {
  /** Everything before it is settled. */
  readonly position: number
  /** Where the destination began; its counts count from there. */
  readonly from: number
  /** Numbers that the pipeline keeps with it. */
  readonly counts: Readonly<Record<string, number | Readonly<Record<string, number>>>>
}

/** A state as a file holds it. */
export interface Slot extends CursorState {
  /** Rises with every write: the higher of two good slots counts. */
  readonly generation: number
}

/** Bytes of one slot. */
export const SLOT_BYTES = 2048
/** Slots of a file. */
export const SLOTS = 2
const CRC_DIGITS = 8

const utf8 = new TextEncoder()

/**
 * A slot as bytes.
 *
 *     CRC-32C of the rest, 8 hex digits · space · JSON · spaces · line end
 *
 * @throws Error when the state has no place in a slot
 */
export function encodeSlot(slot: Slot): Uint8Array {
  const bytes = new Uint8Array(SLOT_BYTES).fill(0x20)
  const text = utf8.encode(JSON.stringify(slot))
  if (text.length > SLOT_BYTES - CRC_DIGITS - 2)
    throw new Error(`a cursor of ${text.length} bytes is too long`)
  bytes.set(text, CRC_DIGITS + 1)
  bytes[SLOT_BYTES - 1] = 0x0a
  bytes.set(utf8.encode(crc32c(bytes, CRC_DIGITS).toString(16).padStart(CRC_DIGITS, '0')))
  return bytes
}

/** The newest good slot of a file's bytes; undefined when none is good. */
export function newestSlot(bytes: Uint8Array): Slot | undefined {
  const slots = Array.from({ length: SLOTS }, (_, i) =>
    decodeSlot(bytes.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES)),
  ).filter((slot) => slot !== undefined)
  return slots.sort((a, b) => b.generation - a.generation)[0]
}

function decodeSlot(bytes: Uint8Array): Slot | undefined {
  if (bytes.length !== SLOT_BYTES) return undefined
  const text = Buffer.from(bytes).toString('utf8')
  const digits = text.slice(0, CRC_DIGITS)
  if (!/^[0-9a-f]{8}$/.test(digits) || Number.parseInt(digits, 16) !== crc32c(bytes, CRC_DIGITS))
    return undefined
  try {
    const slot = JSON.parse(text.slice(CRC_DIGITS)) as Slot
    return isSlot(slot) ? slot : undefined
  } catch {
    return undefined
  }
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

const isSlot = (slot: Slot): boolean =>
  isCount(slot.generation) &&
  isCount(slot.position) &&
  isCount(slot.from) &&
  typeof slot.counts === 'object' &&
  slot.counts !== null
