import {
  FIELD_COUNT,
  FIELDS,
  type FieldKind,
  type FieldName,
  KIND_INT32,
  KIND_NULLABLE,
  KIND_STRING,
  KINDS,
  readInt32,
  readInt64,
} from './fields.ts'
import { encodeFrame, FrameType } from './frame.ts'
import { PayloadWriter } from './payload.ts'

type KindOf<N extends FieldName> = Extract<(typeof FIELDS)[number], readonly [N, FieldKind]>[1]
type ValueOf<K extends FieldKind> = K extends 'int32'
  ? number
  : K extends 'int64'
    ? bigint
    : K extends 'nullable'
      ? string | Uint8Array | null
      : string | Uint8Array

/** Values of an `L` frame by field name. What is left out is written as empty, null, 0, or -1 for a position. */
export type LogFields = { readonly [N in FieldName]?: ValueOf<KindOf<N>> }

const POSITIONS: ReadonlySet<FieldName> = new Set(['InternalQueryPos', 'UserQueryPos'])

/** Writes an `L` frame with the fields of the given protocol. Text becomes UTF-8; bytes go as they are. */
export function encodeLog(fields: LogFields, protocol: 1 | 2): Uint8Array {
  const payload = new PayloadWriter()
  for (const [name, kind] of FIELDS.slice(0, FIELD_COUNT[protocol])) {
    const value = fields[name]
    if (kind === 'string') payload.string((value as string | Uint8Array | undefined) ?? '')
    else if (kind === 'nullable') payload.nullable((value as string | Uint8Array | null | undefined) ?? null)
    else if (kind === 'int64') payload.int64((value as bigint | undefined) ?? 0n)
    else payload.int32((value as number | undefined) ?? (POSITIONS.has(name) ? -1 : 0))
  }
  return encodeFrame(FrameType.Record, payload.finish())
}

/** One field's raw value by its span: bytes of text (null when absent), or the number. */
export function fieldValue(
  bytes: Uint8Array,
  spans: Int32Array,
  field: number,
): Uint8Array | number | bigint | null {
  const start = spans[2 * field]!
  if (start < 0) return null
  const kind = KINDS[field]!
  if (kind === KIND_STRING || kind === KIND_NULLABLE) return bytes.subarray(start, spans[2 * field + 1]!)
  return kind === KIND_INT32 ? readInt32(bytes, start) : readInt64(bytes, start)
}
