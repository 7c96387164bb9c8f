import fc from 'fast-check'
import { FIELD_COUNT, FIELDS, type FieldName } from '../../src/codec/fields.ts'
import type { LogFields } from '../../src/codec/log.ts'

/** Arbitrary values for the fields of an `L` frame. */

/** Smallest and largest int64. */
export const INT64_MIN = -(2n ** 63n)
export const INT64_MAX = 2n ** 63n - 1n

/** int64 values, those at the borders of what a double holds among them. */
export const anyInt64: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt(INT64_MIN, INT64_MAX),
  fc.constantFrom(
    ...[INT64_MIN, -(2n ** 53n) - 1n, -(2n ** 32n), -1n, 0n, 1n, 2n ** 32n - 1n, 2n ** 32n],
    ...[2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, INT64_MAX],
  ),
)

/** int32 values, the extremes among them. */
export const anyInt32: fc.Arbitrary<number> = fc.oneof(
  fc.integer(),
  fc.constantFrom(-(2 ** 31), -1, 0, 1, 2 ** 31 - 1),
)

/** What a CString can hold: any bytes but NUL. */
export const anyBytes: fc.Arbitrary<Uint8Array> = fc
  .uint8Array({ maxLength: 24 })
  .map((bytes) => bytes.filter((byte) => byte !== 0))

const arbitraries = { string: anyBytes, nullable: fc.option(anyBytes), int32: anyInt32, int64: anyInt64 }

/** Every field of the protocol with an arbitrary value; `own` gives some of them others. */
export function anyLogFields(
  protocol: 1 | 2,
  own: { readonly [N in FieldName]?: fc.Arbitrary<LogFields[N]> } = {},
): fc.Arbitrary<LogFields> {
  const entries = FIELDS.slice(0, FIELD_COUNT[protocol]).map(([name, kind]) => [name, arbitraries[kind]])
  return fc.record({ ...Object.fromEntries(entries), ...own }) as fc.Arbitrary<LogFields>
}
