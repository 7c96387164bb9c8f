import fc from 'fast-check'
import type { RecordView } from '../../src/record/view.ts'
import { anyInt64 } from '../codec/log-fields.ts'
import { anyRecordFields } from './arbitrary.ts'
import { recordOf } from './records.ts'

const identity = fc.string({ unit: 'binary' }).map((one) => one.toWellFormed().replaceAll('\0', ''))
const server = fc.constantFrom('13.1', '15.20 (Debian "x")')

/** Records of servers of any name, with a ring and without, in both protocols. */
export const anyRecord: fc.Arbitrary<RecordView> = fc.oneof(
  fc
    .record({
      fields: anyRecordFields(2),
      around: fc.record({ server, identity, bootId: anyInt64, sequence: fc.constantFrom(0n, 7n, 2n ** 60n) }),
    })
    .map(({ fields, around }) => recordOf(fields, { ...around, protocol: 2 })),
  fc
    .record({ fields: anyRecordFields(1), around: fc.record({ server, identity }) })
    .map(({ fields, around }) => recordOf(fields, { ...around, protocol: 1 })),
)
