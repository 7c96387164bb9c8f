import { FRAME_HEADER_BYTES, FrameType, readLength } from '../../src/codec/frame.ts'
import type { RunTaken } from '../../src/record/run.ts'
import { RecordView } from '../../src/record/view.ts'

/**
 * Takes the first records of a run the slow way: those that are whole and have nothing behind their fields, up to `most`.
 *
 * @returns what was taken; undefined when it is none
 */
export function takeRun(
  first: RecordView,
  available: number,
  most: number,
  take: (record: RecordView) => void,
): RunTaken | undefined {
  const { bytes } = first
  const record = new RecordView()
  record.source = first.source
  record.sequenceBase = first.sequence ?? -1n
  let at = first.start - FRAME_HEADER_BYTES
  let records = 0
  for (; records < most && available - at >= FRAME_HEADER_BYTES; records++) {
    const end = at + 1 + readLength(bytes, at)
    if (bytes[at] !== FrameType.Record || end > available) break
    record.reset(bytes, at + FRAME_HEADER_BYTES, end)
    if (!record.walk() || record.surplusBytes > 0) break
    record.sequenceOffset = records
    take(record)
    at = end
  }
  return records === 0 ? undefined : { records, end: at }
}
