import { countText, spanText } from '../observe/amounts.ts'
import type { Snapshot } from '../observe/snapshot.ts'
import { VERSION } from '../version.ts'
import { broken, type Finding, ok, warn } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** Whether a listener runs, which one, and what it has seen that should not be. */
export async function examineListener({ status }: Surroundings): Promise<Finding[]> {
  const { snapshot, problem } = status
  if (snapshot === undefined) {
    if (problem.startsWith('not allowed')) return [warn(problem, 'sudo pgturret doctor')]
    return [broken(problem, 'systemctl start pgturret, or pgturret listen')]
  }
  const { version, pid, startedMs, nowMs, listener } = snapshot
  const up = spanText((nowMs - startedMs) / 1000)
  const said = `pid ${pid}, up ${up}, pgturret ${version}; ${countText(listener.records)} records from ${countText(listener.connections)} connections, ${countText(listener.open)} open`
  return [
    listener.listening ? ok(said) : broken(`${said}; it does not listen`, 'systemctl restart pgturret'),
    ...(version === VERSION
      ? []
      : [warn(`this is pgturret ${VERSION}, and ${version} is running`, 'systemctl restart pgturret')]),
    ...(snapshot.stopping ? [warn('it was told to stop, and sends what is left')] : []),
    ...losses(snapshot),
  ]
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0)

const reasons = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${reason} ${countText(count)}`)
    .join(', ')

function losses({ listener }: Snapshot): Finding[] {
  const { refused, droppedBySender, droppedHere, waiting, skipped } = listener
  const found: Finding[] = []
  if (waiting)
    found.push(
      warn('senders are made to wait; their rings fill', 'pgturret status: see journal and exporters'),
    )
  if (droppedBySender > 0n)
    found.push(
      warn(
        `PostgreSQL dropped ${countText(droppedBySender)} records, as its ring was full`,
        'raise pgturret.queue_size in postgresql.conf, and restart the server',
      ),
    )
  if (sum(droppedHere) > 0)
    found.push(
      warn(
        `dropped ${countText(sum(droppedHere))} records of senders that cannot wait: ${reasons(droppedHere)}`,
        'pgturret status',
      ),
    )
  if (sum(refused) + skipped > 0)
    found.push(
      warn(
        `ended ${countText(sum(refused))} connections for what they sent: ${reasons(refused)}`,
        'journalctl -u pgturret says which; is everything that connects the module?',
      ),
    )
  return found
}
