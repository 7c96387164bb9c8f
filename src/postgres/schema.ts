import { beside, quoted, type TableName } from './table-name.ts'

/** A column as SQL declares it. */
export interface Column {
  readonly name: string
  readonly type: string
}

/** What a table for records is like. */
export interface TableShape {
  readonly name: TableName
  /** In the order in which COPY sends them. `timestamp` and `uid` are among them. */
  readonly columns: readonly Column[]
  /** By the columns' names: those that are looked for by their values. */
  readonly lookups: readonly string[]
  readonly gin: 'jsonb_ops' | 'jsonb_path_ops' | 'none'
  readonly timestampIndex: 'btree' | 'brin'
  readonly daily: boolean
}

/** An index: what it is called, and the statement that makes it. */
export interface Index {
  readonly name: string
  readonly sql: string
}

/** Name of the partition that takes days without one. */
export const otherPartition = ({ table }: TableName): string => `${table}_other`

/** The statement that makes the table. */
export function tableSql({ name, columns, daily }: TableShape): string {
  const key = daily ? '(id, timestamp)' : '(id)'
  const declared = columns.map((column) => `${quoted(column.name)} ${column.type}`)
  const by = daily ? ' PARTITION BY RANGE (timestamp)' : ''
  return `CREATE TABLE IF NOT EXISTS ${beside(name, name.table)} (id BIGSERIAL, ${declared.join(', ')}, PRIMARY KEY ${key})${by}`
}

/** Its indexes; the name of each is fixed, so that one that is there is known. */
export function indexesOf(shape: TableShape): readonly Index[] {
  const { name, columns, lookups, gin, timestampIndex, daily } = shape
  const data = columns.some((column) => column.name === 'data') && gin !== 'none'
  return [
    indexOf(name, 'timestamp', timestampIndex === 'brin' ? 'USING brin (timestamp)' : '(timestamp DESC)'),
    ...lookups.map((column) => indexOf(name, column, `(${quoted(column)})`)),
    // The usual operators need no name.
    ...(data ? [indexOf(name, 'data', `USING gin (data${gin === 'jsonb_ops' ? '' : ` ${gin}`})`)] : []),
    indexOf(name, 'uid', daily ? '(uid, timestamp)' : '(uid)', 'UNIQUE '),
  ]
}

function indexOf(name: TableName, column: string, on: string, unique = ''): Index {
  const index = `idx_${name.table}_${column}`
  return {
    name: index,
    sql: `CREATE ${unique}INDEX IF NOT EXISTS ${quoted(index)} ON ${beside(name, name.table)} ${on}`,
  }
}

/** A unique violation of these columns is a duplicate of ours. */
export const conflictColumns = ({ daily }: TableShape): string => (daily ? '(uid, timestamp)' : '(uid)')

/** Names of the columns that are sent, as SQL has them. */
export const columnList = ({ columns }: TableShape): string =>
  columns.map((column) => quoted(column.name)).join(', ')
