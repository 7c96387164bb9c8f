import { parseSeverity, SEVERITIES } from '../codec/severity.ts'
import { type RecordFilter, recordFilter } from './record-filter.ts'

/** What a viewer asks for. */
export interface ViewerQuery {
  /** Undefined wants everything. */
  readonly filter: RecordFilter | undefined
  /** How many wanted records of the history to begin with. */
  readonly past: number
  /** Begin behind the record with this uid. */
  readonly after: string | undefined
}

/** Parameters that compare a field, and its key in canonical JSON. */
const FIELDS: Readonly<Record<string, string>> = {
  db: 'dbname',
  user: 'user',
  app: 'application_name',
  sqlstate: 'state_code',
}

const SINGLE = ['level', 'grep', 'past', 'after', 'token'] as const
const ALL: readonly string[] = ['level', ...Object.keys(FIELDS), 'grep', 'past', 'after', 'token']

/**
 * Reads the query string of a viewer's URL. A parameter without a value is as good as none; a field's parameter may come
 * several times, and any of its values will do.
 *
 * @returns what is wrong, in a sentence, where something is
 */
export function viewerQuery(query: URLSearchParams): ViewerQuery | string {
  const unknown = [...query.keys()].find((name) => !ALL.includes(name))
  if (unknown !== undefined)
    return `there is no parameter ${JSON.stringify(unknown)}; there are ${ALL.join(', ')}`
  const given = (name: string): string[] => query.getAll(name).filter((value) => value !== '')
  const twice = SINGLE.find((name) => given(name).length > 1)
  if (twice !== undefined) return `${twice} is given twice`
  const [level] = given('level')
  const rank = level === undefined ? undefined : parseSeverity(level)
  if (level !== undefined && rank === undefined)
    return `level: expected one of ${SEVERITIES.slice(0, -1).join(', ')}, got ${JSON.stringify(level)}`
  const [past = '0'] = given('past')
  if (!/^\d{1,9}$/.test(past)) return `past: expected a number of records, got ${JSON.stringify(past)}`
  const [after] = given('after')
  if (after !== undefined && given('past').length > 0) return 'give past or after, not both'
  const fields = Object.entries(FIELDS).flatMap(([name, key]) => {
    const values = given(name)
    return values.length === 0 ? [] : [[key, values] as const]
  })
  const filter = recordFilter({ level: rank, fields: new Map(fields), grep: given('grep')[0] })
  return { filter, past: Number(past), after }
}
