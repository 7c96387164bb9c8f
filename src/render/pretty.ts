import type { Dropped } from '../codec/control.ts'
import { Field } from '../codec/fields.ts'
import { rankOf, SEVERITIES } from '../codec/severity.ts'
import type { Room } from '../record/room.ts'
import type { Source } from '../record/source.ts'
import { conditionName } from '../record/sqlstate.ts'
import type { RecordView } from '../record/view.ts'
import { Elapsed } from './elapsed.ts'
import type { Encoder } from './encoder.ts'
import { MESSAGE_LIMIT, messageLines, STATEMENT_LIMIT } from './message.ts'
import { makePalette, type Palette } from './palette.ts'
import { INDENT, NOTE_LIMIT, particularsOf } from './particulars.ts'
import { Senders } from './senders.ts'
import { columnsOf, MAX_VISIBLE_GROWTH, visibleName } from './visible.ts'
import { type Time, WallClock } from './wall-clock.ts'

/** How the pretty format looks. */
export interface PrettyOptions {
  readonly color: boolean
  /** As the server wrote it, unless told otherwise. */
  readonly time?: Time
}

/** Room for the headline's own parts, line labels and carets: names are cut, excerpts too. */
const FIXED_ROOM = 8192
/** Indentation, colours and line end of a line. */
const LINE_ROOM = 40
const MOST_LENGTH = MESSAGE_LIMIT.length + 3 * NOTE_LIMIT.length + 2 * STATEMENT_LIMIT.length
const MOST_LINES = MESSAGE_LIMIT.lines + 3 * NOTE_LIMIT.lines + 2 * STATEMENT_LIMIT.lines

const WARNING_RANK = SEVERITIES.indexOf('WARNING')
const ERROR_RANK = SEVERITIES.indexOf('ERROR')
const SEVERITY_COLUMNS = 7
/** Longer ones push the message to the right in their own line only. */
const MOST_WHO_COLUMNS = 30
const MOST_PID_COLUMNS = 7

/** `LOG    `, painted but for the padding; by rank. */
const paddedSeverities = (palette: Palette): readonly string[] =>
  SEVERITIES.map((name, rank) => palette.severities[rank]!(name) + ' '.repeat(SEVERITY_COLUMNS - name.length))

/**
 * Writes records for eyes: a headline each, and indented lines under it for what else there is to say.
 *
 *     ── 2026-03-01 UTC
 *     12:00:00.001 ERROR   etl@shop 3611 relation "ordres" does not exist [42P01 undefined_table]
 *         statement: SELECT * FROM ordres
 *                                  ^
 *
 * Columns grow with what was seen so far, so neighbouring records stand under each other.
 */
export class PrettyEncoder implements Encoder {
  readonly #palette: Palette
  readonly #severities: readonly string[]
  readonly #clock: WallClock
  readonly #elapsed: Elapsed | undefined
  readonly #senders: Senders
  #day = ''
  #time = ''
  #whoColumns = 0
  #pidColumns = 0
  #target: Buffer = Buffer.alloc(0)
  #room: Room | undefined

  constructor(options: PrettyOptions) {
    this.#palette = makePalette(options.color)
    this.#severities = paddedSeverities(this.#palette)
    const { time = 'server' } = options
    this.#clock = new WallClock(time === 'relative' ? 'server' : time)
    this.#elapsed = time === 'relative' ? new Elapsed() : undefined
    this.#senders = new Senders(this.#palette)
  }

  room(record: RecordView): number {
    const size = record.end - record.start
    const text = MAX_VISIBLE_GROWTH * Math.min(size, MOST_LENGTH)
    return text + LINE_ROOM * Math.min(size, MOST_LINES) + FIXED_ROOM
  }

  encode(record: RecordView, out: Room, at: number): number {
    const marks = this.#senders.mark(record) + this.#timeMark(record)
    const text = marks + this.#headline(record) + particularsOf(record, this.#palette)
    if (out !== this.#room) {
      this.#room = out
      this.#target = Buffer.from(out.bytes.buffer, out.bytes.byteOffset, out.bytes.length)
    }
    return at + this.#target.write(text, at)
  }

  encodeDropped(dropped: Dropped, source: Source): Uint8Array {
    const count = dropped.count.toLocaleString('en-US')
    // Nobody has looked at them: not PostgreSQL's loss, but this reader's.
    if (dropped.elevel < 0)
      return Buffer.from(`${this.#palette.missing(`… ${count} records skipped: ${dropped.reason}`)}\n`)
    const severity = SEVERITIES[rankOf(source.ranks, dropped.elevel)]!
    const what = dropped.count === 1n ? 'record is' : 'records are'
    const text = `── ${count} ${severity} ${what} missing here: ${visibleName(dropped.reason)}`
    return Buffer.from(`${this.#palette.missing(text)}\n`)
  }

  /** Moves the clock to the record; a line of its own where a reader has to know more than the record's own time. */
  #timeMark(record: RecordView): string {
    const clock = this.#clock
    clock.read(record)
    this.#time = clock.time
    if (this.#elapsed?.read(record)) {
      this.#time = this.#elapsed.text
      const { gap } = this.#elapsed
      return gap === undefined ? '' : this.#mark(`${whenText(clock)}${gap}`)
    }
    if (clock.day === this.#day || clock.day === '') return ''
    this.#day = clock.day
    return this.#mark(clock.day)
  }

  #mark(text: string): string {
    return `${this.#palette.day(`── ${text}`)}\n`
  }

  #headline(record: RecordView): string {
    const palette = this.#palette
    const rank = record.severityRank()
    const lines = messageLines(record, palette)
    const first = rank >= ERROR_RANK ? palette.failure(lines[0]!) : lines[0]!
    const state = rank >= WARNING_RANK ? stateOf(record, palette) : ''
    const head = `${palette.time(this.#time)} ${this.#severities[rank]} ${this.#origin(record)}`
    let text = `${head}${first}${state}\n`
    for (let i = 1; i < lines.length; i++) text += `${INDENT}${lines[i]}\n`
    return text
  }

  /** Who wrote the record and in which process, filled up to the width of the ones before it. */
  #origin(record: RecordView): string {
    const who = visibleName(whoOf(record))
    const pid = String(record.int32(Field.Pid))
    const columns = columnsOf(who)
    if (columns > this.#whoColumns) this.#whoColumns = Math.min(columns, MOST_WHO_COLUMNS)
    if (pid.length > this.#pidColumns) this.#pidColumns = Math.min(pid.length, MOST_PID_COLUMNS)
    const gap = ' '.repeat(Math.max(0, this.#whoColumns - columns) + 1)
    return `${this.#senders.column}${this.#palette.who(who)}${gap}${this.#palette.pid(pid.padStart(this.#pidColumns))} `
  }
}

/** `2026-03-01 12:00:00.001 UTC` */
function whenText({ day, time }: WallClock): string {
  const space = day.indexOf(' ')
  return space < 0 ? time : `${day.slice(0, space)} ${time}${day.slice(space)}`
}

/** `user@database`; for a process of the server, or a client that is not known yet, what kind of process or where from. */
function whoOf(record: RecordView): string {
  const user = record.text(Field.UserName)
  const database = record.text(Field.DatabaseName)
  if (database !== null) return `${user ?? ''}@${database}`
  return user ?? record.text(Field.BackendType) ?? record.text(Field.ClientAddr) ?? '-'
}

/** ` [23505 unique_violation]`. */
function stateOf(record: RecordView, palette: Palette): string {
  const code = record.text(Field.SQLState)
  if (code === null) return ''
  const name = conditionName(code)
  return ` ${palette.state(`[${visibleName(code)}${name === undefined ? '' : ` ${name}`}]`)}`
}
