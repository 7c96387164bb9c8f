import { Field } from '../codec/fields.ts'
import { LOG_RANK, SEVERITIES } from '../codec/severity.ts'
import { findDuration } from '../record/duration.ts'
import { timeMicros } from '../record/log-time.ts'
import type { RecordView } from '../record/view.ts'
import { BytesTable } from './bytes-table.ts'
import { Messages } from './messages.ts'
import { Statements } from './statements.ts'
import { TimeHistogram } from './time-histogram.ts'

/** Fields by whose values records are counted. */
const COUNTED = ['SQLState', 'DatabaseName', 'UserName', 'ApplicationName'] as const

/** Counts records by what a person asks first. Memory is bounded, whatever they hold. */
export class Summary {
  records = 0
  /** By index into SEVERITIES. */
  readonly bySeverity = new Float64Array(SEVERITIES.length)
  readonly byField = new Map(COUNTED.map((name) => [name, new BytesTable()]))
  readonly messages = new Messages()
  readonly statements = new Statements()
  readonly histogram = new TimeHistogram()
  /** Records that do not say when they were said, or in a time zone of which nobody knows which one it is. */
  untimed = 0
  /** Microseconds since 1970. */
  first = Number.POSITIVE_INFINITY
  last = Number.NEGATIVE_INFINITY
  readonly #tables = COUNTED.map((name) => ({ field: Field[name], table: this.byField.get(name)! }))

  /** Takes a record that has been walked. */
  readonly add = (record: RecordView): void => {
    const rank = record.severityRank()
    this.records++
    this.bySeverity[rank]!++
    this.#addTime(record, rank)
    for (const { field, table } of this.#tables) {
      const start = record.spans[2 * field]!
      if (start >= 0) table.add(record.bytes, start, record.spans[2 * field + 1]!, () => record.text(field)!)
    }
    const duration = rank === LOG_RANK ? findDuration(record) : undefined
    if (duration !== undefined && duration.phase === undefined) this.statements.add(record, duration)
    this.messages.add(record, rank, duration)
  }

  #addTime(record: RecordView, rank: number): void {
    const micros = timeMicros(record) ?? 0
    if (micros <= 0) {
      this.untimed++
      return
    }
    if (micros < this.first) this.first = micros
    if (micros > this.last) this.last = micros
    this.histogram.add(micros / 1e6, rank)
  }
}
