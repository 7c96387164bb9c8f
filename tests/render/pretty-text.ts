import type { LogFields } from '../../src/codec/log.ts'
import { elevelOf } from '../../src/codec/severity.ts'
import { PrettyEncoder, type PrettyOptions } from '../../src/render/pretty.ts'
import { recordOf, type Surroundings } from '../record/records.ts'
import { encoded } from './encoded.ts'

/** Records as the pretty format shows them. */

/** What a record has unless a test says otherwise. */
export const BASE: LogFields = {
  LogTime: '2026-03-01 12:00:00.001 UTC',
  UserName: 'etl',
  DatabaseName: 'shop',
  Pid: 3611,
  ELevel: elevelOf(15, 'LOG'),
  SQLState: '00000',
  ErrMessage: 'hello',
}

export const MONOCHROME: PrettyOptions = { color: false }

export const COLOR: PrettyOptions = { color: true }

/** One record, rendered alone; the line of its day is left out. */
export function pretty(fields: LogFields, options = MONOCHROME, around: Surroundings = {}): string {
  const text = encoded(new PrettyEncoder(options), recordOf({ ...BASE, ...fields }, around))
  return text.slice(text.indexOf('\n') + 1)
}

/** Several records, one after the other in the same encoder. */
export function prettyAll(records: readonly LogFields[], options = MONOCHROME): string {
  const encoder = new PrettyEncoder(options)
  return records.map((fields) => encoded(encoder, recordOf({ ...BASE, ...fields }))).join('')
}

export const ERROR: LogFields = {
  ELevel: elevelOf(15, 'ERROR'),
  SQLState: '42P01',
  ErrMessage: 'no such table',
}
