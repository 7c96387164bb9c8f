import { FRAME_HEADER_BYTES, FrameType } from '../../src/codec/frame.ts'

/** Where a block lies in a segment, found without the code under test. */
export interface BlockPlace {
  readonly from: number
  readonly to: number
  readonly position: number
  readonly entries: number
}

/** Blocks of a segment; what makes no sense in between is left out. */
export function blockPlaces(bytes: Uint8Array): BlockPlace[] {
  const places: BlockPlace[] = []
  for (let from = 0; from < bytes.length; ) {
    const place = bytes[from] === FrameType.Version ? placeAt(bytes, from) : undefined
    if (place !== undefined) places.push(place)
    from = place?.to ?? from + 1
  }
  return places
}

function placeAt(bytes: Uint8Array, from: number): BlockPlace | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let entries = 0
  for (let at = from; at + FRAME_HEADER_BYTES <= bytes.length; ) {
    const end = at + 1 + view.getInt32(at + 1)
    if (end > bytes.length || end < at + FRAME_HEADER_BYTES) return undefined
    if (bytes[at] === FrameType.Checkpoint) {
      const position = Number(view.getBigInt64(at + FRAME_HEADER_BYTES))
      return { from, to: end, position, entries }
    }
    if (bytes[at] === FrameType.Record || bytes[at] === FrameType.Dropped) entries++
    at = end
  }
  return undefined
}

/** Positions of the entries in a stretch of a segment, whole or in part. */
export function positionsIn(places: readonly BlockPlace[], from: number, to: number): number[] {
  return places
    .filter((place) => place.from < to && place.to > from)
    .flatMap(({ position, entries }) => Array.from({ length: entries }, (_, i) => position + i))
}
