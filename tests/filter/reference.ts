import { Environment } from '@marcbachmann/cel-js'
import { SEVERITIES } from '../../src/codec/severity.ts'
import type { RecordView } from '../../src/record/view.ts'
import { referenceJson } from '../record/reference.ts'
import { DOUBLE_KEYS, INT_KEYS, TEXT_KEYS, type Values } from './expressions.ts'

/**
 * Filter expressions once more, by the evaluator that comes with the parser, over the record's JSON: it has its own
 * types, its own operators and its own macros. What is absent is null, and what this project says of null is added as
 * overloads.
 */

const ORDERS = ['<', '<=', '>', '>=']
const KINDS = ['int', 'double', 'string']
const METHODS = ['contains', 'startsWith', 'endsWith', 'matches']

const environment = new Environment({ homogeneousAggregateLiterals: false })
for (const name of [...TEXT_KEYS, ...INT_KEYS, ...DOUBLE_KEYS, 'level', 'truncated']) {
  environment.registerVariable(name, 'dyn')
}
for (const [rank, severity] of SEVERITIES.entries()) {
  environment.registerConstant(severity, 'int', BigInt(rank))
}
for (const op of ORDERS) {
  for (const kind of KINDS) {
    environment.registerOperator(`null ${op} ${kind}: bool`, () => false)
    environment.registerOperator(`${kind} ${op} null: bool`, () => false)
  }
  environment.registerOperator(`null ${op} null: bool`, () => false)
}
for (const method of METHODS) {
  for (const signature of [`null.${method}(string)`, `null.${method}(null)`, `string.${method}(null)`]) {
    environment.registerFunction(`${signature}: bool`, () => false)
  }
}
for (const [op, kinds] of [
  ['+', KINDS],
  ['-', ['int', 'double']],
  ['*', ['int', 'double']],
] as const) {
  for (const kind of kinds) {
    environment.registerOperator(`null ${op} ${kind}: null`, () => null)
    environment.registerOperator(`${kind} ${op} null: null`, () => null)
  }
}
environment.registerOperator('double * int: double', (a: number, b: bigint) => a * Number(b))

/** The values of a record, from its JSON: whole numbers as bigints. */
export function valuesOf(record: RecordView): Values {
  const payload = record.bytes.subarray(record.start, record.end)
  const json = referenceJson(record.source, payload, record.sequence)
  const read = (key: string, value: unknown, { source }: { source: string }): unknown =>
    typeof value === 'number' && !DOUBLE_KEYS.includes(key) ? BigInt(source) : value
  const values = JSON.parse(json, read as (key: string, value: unknown) => unknown)
  return {
    ...values,
    level: BigInt(SEVERITIES.indexOf(values.error_severity)),
    truncated: values.truncated ?? false,
    ...(values.state_code === undefined ? {} : { sqlstate_class: values.state_code.slice(0, 2) }),
  }
}

/** Whether a record fits an expression. */
export function referenceTest(expression: string, values: Values): unknown {
  const absent = Object.fromEntries([...TEXT_KEYS, ...INT_KEYS, ...DOUBLE_KEYS].map((key) => [key, null]))
  return environment.evaluate(expression, { ...absent, ...values })
}
