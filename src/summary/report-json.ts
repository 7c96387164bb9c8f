import { SEVERITIES } from '../codec/severity.ts'
import type { Others } from './bytes-table.ts'
import type { MessageRow } from './messages.ts'
import { type NameCount, type Ranking, type Report, severitiesOf } from './report.ts'
import type { StatementRow } from './statements.ts'

/** A report as one JSON object, as docs/replay.md describes it. */
export function reportJson(report: Report): string {
  const { first, last, histogram, statements } = report
  return JSON.stringify({
    records: report.records,
    filtered: report.filtered,
    malformed: report.malformed,
    dropped_by_senders: Number(report.droppedBySender),
    damaged_places: report.damagedPlaces,
    first: first === undefined ? null : timeText(first / 1e6),
    last: last === undefined ? null : timeText(last / 1e6),
    without_time: report.untimed,
    severities: bySeverity(report.bySeverity),
    sqlstates: ranking(report.states, ({ name, condition, records }) => ({
      state_code: name,
      sqlstate_name: condition ?? null,
      records,
    })),
    databases: ranking(report.databases, named),
    users: ranking(report.users, named),
    applications: ranking(report.applications, named),
    messages: ranking(report.messages, message),
    errors: ranking(report.errors, error),
    statements: {
      count: statements.count,
      total_ms: millis(statements.totalMs),
      ...ranking(statements, statement, ({ keys, count, total, most }) => ({
        groups: keys,
        count,
        total_ms: millis(total),
        max_ms: millis(most),
      })),
    },
    histogram: {
      bucket_seconds: histogram.width,
      buckets: histogram.buckets.map(({ start, records, ...bucket }) => ({
        start: timeText(start),
        records,
        severities: bySeverity(bucket.bySeverity),
      })),
    },
  })
}

/** Sums of microseconds are not exact as milliseconds. */
const millis = (ms: number): number => Math.round(ms * 1000) / 1000

/** `2026-03-01T12:00:00.001Z`. */
export const timeText = (seconds: number): string => new Date(Math.round(seconds * 1000)).toISOString()

const bySeverity = (counts: Float64Array): Record<string, number> =>
  Object.fromEntries(severitiesOf(counts).map(({ severity, records }) => [severity, records]))

function ranking<T>(
  { top, others, merged }: Ranking<T>,
  row: (one: T) => object,
  rest: (others: Others) => object = ({ keys, count }) => ({ distinct: keys, records: count }),
) {
  return { top: top.map(row), others: rest(others), merged }
}

const named = ({ name, records }: NameCount) => ({ name, records })

const message = ({ rank, label, count }: MessageRow) => ({
  error_severity: SEVERITIES[rank],
  message_id: label,
  records: count,
})

const error = (row: MessageRow) => ({
  ...message(row),
  example:
    row.example === undefined
      ? null
      : {
          timestamp: row.example.time,
          dbname: row.example.database,
          user: row.example.user,
          state_code: row.example.stateCode,
          message: row.example.message,
        },
})

const statement = ({ queryId, label, count, total, most }: StatementRow) => ({
  // 64 bits have more digits than a number of JSON's readers.
  query_id: queryId ?? null,
  statement: label,
  count,
  total_ms: millis(total),
  mean_ms: millis(total / count),
  max_ms: millis(most),
})
