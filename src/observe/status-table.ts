import { Chalk, type ChalkInstance } from 'chalk'
import { visibleLine, visibleName } from '../render/visible.ts'
import { countText, rateText, sizeText, spanText } from './amounts.ts'
import { exporterLines } from './exporter-table.ts'
import { failureText } from './failure-text.ts'
import { problemsOf } from './health.ts'
import { type RateSince, rateSince } from './rate.ts'
import { reasonTexts } from './reason-texts.ts'
import type { JournalSnapshot, ListenerSnapshot, Snapshot } from './snapshot.ts'
import { fit } from './table-layout.ts'

/** What a status looks like. */
export interface StatusLook {
  /** Lines are cut at this width; Infinity for a reader that has none. */
  readonly columns: number
  readonly color: boolean
}

/**
 * A status as lines for a person: how the listener and the journal are, then a row per exporter with its last failure
 * below. No text of another program gets to the terminal as anything but visible characters.
 *
 * @param before an earlier snapshot of the same process, for rates; without it there are none
 */
export function statusLines(now: Snapshot, before: Snapshot | undefined, look: StatusLook): string[] {
  const chalk = new Chalk({ level: look.color ? 1 : 0 })
  const rate = rateSince(before, now)
  const lines = [
    headline(now, chalk),
    `received  ${receivedText(now.listener, before?.listener, rate)}`,
    `journal   ${journalText(now.journal, now.nowMs, chalk)}`,
    '',
    ...exporterLines(now, before, rate, chalk),
  ]
  return lines.map((line) => fit(line, look.columns))
}

function headline(now: Snapshot, chalk: ChalkInstance): string {
  const uptime = spanText(Math.floor((now.nowMs - now.startedMs) / 1000))
  return `${chalk.bold(`pgturret ${visibleName(now.version)}`)}  pid ${now.pid}, up ${uptime}, ${stateText(now, chalk)}`
}

function stateText(now: Snapshot, chalk: ChalkInstance): string {
  if (now.stopping) return chalk.yellow('stopping')
  return problemsOf(now).length === 0 ? chalk.green('ready') : chalk.red('not ready')
}

function receivedText(
  listener: ListenerSnapshot,
  before: ListenerSnapshot | undefined,
  rateOf: RateSince,
): string {
  const rate = rateOf(listener.records, before?.records)
  const bySender = listener.droppedBySender
  const losses = [
    ...(bySender > 0n ? [`${countText(bySender)} by senders`] : []),
    ...reasonTexts(listener.droppedHere),
  ]
  const parts = [
    `${countText(listener.records)} records`,
    ...(rate === undefined ? [] : [`${rateText(rate)} per second`]),
    listener.open === 1 ? '1 connection' : `${countText(listener.open)} connections`,
    ...(losses.length === 0 ? [] : [`dropped: ${losses.join(', ')}`]),
    ...(listener.waiting ? ['senders wait'] : []),
    ...(listener.listening ? [] : [visibleLine(`not listening on ${listener.socket}`)]),
  ]
  return parts.join('; ')
}

function journalText(journal: JournalSnapshot, nowMs: number, chalk: ChalkInstance): string {
  const { oldestMs, state, lastError } = journal
  const segments = journal.segments === 1 ? '1 segment' : `${countText(journal.segments)} segments`
  const parts = [
    `${sizeText(journal.bytes)} in ${segments}`,
    ...(oldestMs === undefined ? [] : [`oldest ${spanText(Math.round((nowMs - oldestMs) / 1000))}`]),
    journal.folder === undefined ? 'in memory' : visibleLine(journal.folder),
    state === 'ok' ? chalk.green('ok') : chalk.red(failureText(state, lastError)),
  ]
  return parts.join('; ')
}
