import type { RecordView } from '../../record/view.ts'

/** Parts of a filter that have been compiled: what they are, and how a record's value of them is found. */

/** Kinds of values. Severities are a kind of their own, so that nobody compares them with numbers or by the alphabet. */
export type Type = 'bool' | 'string' | 'int' | 'double' | 'timestamp' | 'duration' | 'level' | 'null' | 'list'

/**
 * A value; null is absent.
 *
 * An int is a number as long as a number holds it exactly, else a bigint, and never a bigint otherwise. A timestamp is a
 * number of microseconds since 1970, a duration a number of microseconds, a level an index into SEVERITIES.
 */
export type Value = string | number | bigint | boolean | null

/** A part of an expression. What is a bool is never absent. */
export interface Expression {
  readonly type: Type
  /** The value for a record, which has been walked (its head, when the expression is not deep). */
  readonly value: (record: RecordView) => Value
  /** Whether more than the head of a record must have been walked. */
  readonly deep: boolean
  /** Known before any record. */
  readonly constant?: Value
  /** A text field whose text this is, as it stands. */
  readonly field?: number
  /** The key that this is. */
  readonly key?: string
  /** Of a list. */
  readonly elements?: readonly Expression[]
  /** What is joined by `&&`, where that is what it is. */
  readonly conjuncts?: readonly Expression[]
}

/** An int from its exact value. */
export const intOf = (value: bigint): number | bigint =>
  value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER ? Number(value) : value

/** An expression that is the same for every record. */
export const constantOf = (type: Type, constant: Value): Expression => ({
  type,
  constant,
  deep: false,
  value: () => constant,
})

/** Whether an expression is the same for every record. */
export const isConstant = (one: Expression): one is Expression & { readonly constant: Value } =>
  one.constant !== undefined

export const isNumber = ({ type }: Expression): boolean => type === 'int' || type === 'double'

/** A test of an expression that is a bool. */
export const testOf = ({ value }: Expression): ((record: RecordView) => boolean) =>
  value as (record: RecordView) => boolean

/** A bool. */
export const boolOf = (deep: boolean, value: (record: RecordView) => boolean): Expression => ({
  type: 'bool',
  deep,
  value,
})

/** What a person calls an expression: its key, or its kind. */
export const nameOf = ({ key, type }: Expression): string =>
  key === undefined ? WITH_ARTICLE[type] : `${key} (${WITH_ARTICLE[type]})`

const WITH_ARTICLE: Readonly<Record<Type, string>> = {
  bool: 'a bool',
  string: 'a string',
  int: 'an int',
  double: 'a double',
  timestamp: 'a timestamp',
  duration: 'a duration',
  level: 'a severity',
  null: 'null',
  list: 'a list',
}
