import { visibleLine } from '../render/visible.ts'
import { countText } from './amounts.ts'
import { failureText } from './failure-text.ts'
import type { ExporterState, Snapshot } from './snapshot.ts'

/** Whether an exporter does its work, or would if there were any. */
export function isUp(state: ExporterState): boolean {
  return state === 'idle' || state === 'sending'
}

/** Why a listener is not ready, one visible line each; none when it is. */
export function problemsOf(snapshot: Snapshot): string[] {
  const { listener, journal, exporters } = snapshot
  return [
    ...(snapshot.stopping ? ['stopping: told to stop; sends what is left'] : []),
    ...(listener.listening ? [] : [visibleLine(`socket: not listening on ${listener.socket}`)]),
    ...(journal.state === 'ok' ? [] : [failureText(`journal: ${journal.state}`, journal.lastError)]),
    ...exporters
      .filter(({ state }) => !isUp(state))
      .map(({ name, state, lastError }) => failureText(`exporter ${name}: ${state}`, lastError)),
  ]
}

/** How it stands in one line, for `systemctl status`. */
export function healthSentence(snapshot: Snapshot): string {
  const { exporters, listener } = snapshot
  const up = exporters.filter(({ state }) => isUp(state)).length
  const [first] = problemsOf(snapshot)
  const parts = [
    `${countText(listener.records)} records received`,
    `${up} of ${exporters.length} destinations up`,
    ...(first === undefined ? [] : [first]),
  ]
  return parts.join('; ')
}
