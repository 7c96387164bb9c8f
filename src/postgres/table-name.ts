/** A table's name, taken apart. */
export interface TableName {
  /** Undefined: the first schema of the search path. */
  readonly schema: string | undefined
  readonly table: string
}

/** What PostgreSQL keeps of a name. */
const MOST_BYTES = 63
/** `idx_` and `_timestamp` around it is the longest name that is made of a table's. */
export const MOST_TABLE_BYTES = MOST_BYTES - 'idx__timestamp'.length

/** A part in quotes, in which a quote is written twice, or one without quotes and points. */
const PART = /^(?:"((?:[^"]|"")+)"|([^".]+))(?:\.|$)/

/**
 * Reads `table` or `schema.table`. Every character counts, capital letters included; what holds a point or a quote stands
 * in double quotes, as in SQL.
 *
 * @throws a sentence
 */
export function parseTableName(text: string): TableName {
  const parts: string[] = []
  let rest = text
  while (rest !== '') {
    const found = PART.exec(rest)
    if (found === null) throw new Error(`"${text}" is no name of a table`)
    parts.push(found[1]?.replaceAll('""', '"') ?? found[2]!)
    if (found[0].endsWith('.') && found[0].length === rest.length)
      throw new Error(`"${text}" ends with a point`)
    rest = rest.slice(found[0].length)
  }
  const [table, schema] = parts.toReversed()
  if (table === undefined || parts.length > 2)
    throw new Error(`expected "table" or "schema.table", got ${parts.length} parts`)
  if (Buffer.byteLength(table) > MOST_TABLE_BYTES)
    throw new Error(
      `the table's name may have ${MOST_TABLE_BYTES} bytes: the names of its indexes are longer, and PostgreSQL takes ${MOST_BYTES}`,
    )
  return { schema, table }
}

/** A name as it stands in SQL, whatever is in it. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A text as it stands in SQL. */
export const literal = (text: string): string =>
  text.includes('\\')
    ? ` E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
    : `'${text.replaceAll("'", "''")}'`

/** Something in the same schema, as it stands in SQL. */
export const beside = ({ schema }: TableName, name: string): string =>
  schema === undefined ? quoted(name) : `${quoted(schema)}.${quoted(name)}`
