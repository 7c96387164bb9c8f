import { parseSeverity, SEVERITIES } from '../codec/severity.ts'
import { conditionName } from '../record/sqlstate.ts'
import type { BytesTable, Others } from './bytes-table.ts'
import type { Example, MessageRow } from './messages.ts'
import type { StatementRow } from './statements.ts'
import type { Summary } from './summary.ts'
import type { Bucket } from './time-histogram.ts'

/** Counts of names, the most frequent first. */
export interface Ranking<T> {
  readonly top: readonly T[]
  readonly others: Others
  /** Whether there were so many that some were merged while counting: counts in `top` may be too low then. */
  readonly merged: boolean
}

/** A name, and how many records have it. */
export interface NameCount {
  readonly name: string
  readonly records: number
}

/** How many records were not counted, and why. */
export interface NotCounted {
  readonly filtered: number
  readonly malformed: number
  /** Never sent: senders say so. */
  readonly droppedBySender: bigint
  readonly damagedPlaces: number
}

/** Everything that a summary says, ready to be shown. */
export interface Report extends NotCounted {
  readonly records: number
  /** Microseconds since 1970; undefined without any record that says its time. */
  readonly first: number | undefined
  readonly last: number | undefined
  /** Records whose time is not known: in no bucket. */
  readonly untimed: number
  /** By index into SEVERITIES. */
  readonly bySeverity: Float64Array
  readonly states: Ranking<NameCount & { readonly condition: string | undefined }>
  readonly databases: Ranking<NameCount>
  readonly users: Ranking<NameCount>
  readonly applications: Ranking<NameCount>
  readonly messages: Ranking<MessageRow>
  readonly errors: Ranking<MessageRow>
  readonly statements: Ranking<StatementRow> & { readonly count: number; readonly totalMs: number }
  readonly histogram: { readonly width: number; readonly buckets: readonly Bucket[] }
}

export type { Example }

/** Says nothing was wrong. */
const SUCCESS = '00000'
const ERROR_RANK = parseSeverity('ERROR')!

/**
 * What a summary has counted.
 *
 * @param top rows of each ranking at the most
 * @param buckets buckets of the histogram at the most
 */
export function reportOf(summary: Summary, notCounted: NotCounted, top: number, buckets: number): Report {
  const { byField, messages, statements, histogram } = summary
  const states = ranking(byField.get('SQLState')!, top, SUCCESS)
  const timed = summary.first <= summary.last
  const errors = messages.top(top, ERROR_RANK)
  const all = messages.top(top, 0)
  const slow = statements.top(top)
  return {
    ...notCounted,
    records: summary.records,
    first: timed ? summary.first : undefined,
    last: timed ? summary.last : undefined,
    untimed: summary.untimed,
    bySeverity: summary.bySeverity,
    states: { ...states, top: states.top.map((row) => ({ ...row, condition: conditionName(row.name) })) },
    databases: ranking(byField.get('DatabaseName')!, top),
    users: ranking(byField.get('UserName')!, top),
    applications: ranking(byField.get('ApplicationName')!, top),
    messages: { top: all.rows, others: all.others, merged: all.merged },
    errors: { top: errors.rows, others: errors.others, merged: errors.merged },
    statements: {
      top: slow.rows,
      others: slow.others,
      merged: slow.merged,
      count: statements.count,
      totalMs: statements.total,
    },
    histogram: histogram.buckets(buckets),
  }
}

/** @param but a name that is not counted */
function ranking(table: BytesTable, most: number, but?: string): Ranking<NameCount> {
  const { rows, others } = table.top(most + 1)
  const counted = rows.filter(({ label }) => label !== but)
  const over = counted.slice(most)
  return {
    top: counted.slice(0, most).map(({ label, count }) => ({ name: label, records: count })),
    others: {
      ...others,
      keys: others.keys + over.length,
      count: others.count + over.reduce((sum, { count }) => sum + count, 0),
    },
    merged: table.merged,
  }
}

/** Severities that occurred, the most severe first. */
export function severitiesOf(
  bySeverity: Float64Array,
): { severity: string; rank: number; records: number }[] {
  return SEVERITIES.map((severity, rank) => ({ severity, rank, records: bySeverity[rank]! }))
    .filter(({ records }) => records > 0)
    .reverse()
}
