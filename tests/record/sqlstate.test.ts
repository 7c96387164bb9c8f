import { expect, test } from 'bun:test'
import { conditionName } from '../../src/record/sqlstate.ts'

test.each([
  ['00000', 'successful_completion'],
  ['01000', 'warning'],
  ['10608', 'invalid_argument_for_xquery'],
  ['22012', 'division_by_zero'],
  ['2203G', 'sql_json_item_cannot_be_cast_to_target_type'],
  ['23505', 'unique_violation'],
  ['25P04', 'transaction_timeout'],
  ['40P01', 'deadlock_detected'],
  ['42601', 'syntax_error'],
  ['57014', 'query_canceled'],
  ['57P01', 'admin_shutdown'],
  ['58P03', 'file_name_too_long'],
  ['HV00N', 'fdw_unable_to_establish_connection'],
  ['P0001', 'raise_exception'],
  ['XX002', 'index_corrupted'],
])('%s is %s', (code, name) => expect(conditionName(code)).toBe(name))

test.each(['', '0', '00001', '23505 ', '2350', '42p01', 'ZZZZZ'])('%p has no name', (code) => {
  expect(conditionName(code)).toBeUndefined()
})
