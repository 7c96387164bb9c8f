import type { Batch } from '../exporter.ts'

/** Records that are one JSON text a line, as one JSON array: their line ends become commas. The batch stays as it is. */
export function jsonArray(batch: Batch): Uint8Array {
  if (batch.records === 0) return Buffer.from('[]')
  const body = new Uint8Array(batch.bytes.length + 1)
  body[0] = 0x5b
  body.set(batch.bytes, 1)
  for (let i = 0; i < batch.records; i++) body[batch.ends[i]!] = 0x2c
  body[body.length - 1] = 0x5d
  return body
}
