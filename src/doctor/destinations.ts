import { countText, spanText } from '../observe/amounts.ts'
import { failureText } from '../observe/failure-text.ts'
import { isUp } from '../observe/health.ts'
import type { ExporterSnapshot } from '../observe/snapshot.ts'
import { broken, type Finding, ok, warn } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** Behind by so much, a destination is slow or was away. */
const LATE_SECONDS = 60

/** Whether every destination can be reached from here, and how the listener does with it. */
export async function examineDestinations({ destinations, status }: Surroundings): Promise<Finding[]> {
  const exporters = status.snapshot?.exporters ?? []
  const reached = await Promise.all(
    destinations.map(async ({ name, label, reach }): Promise<Finding> => {
      const finding = await reach()
      return { ...finding, said: `${name} (${label}): ${finding.said}` }
    }),
  )
  const none = reached.length + exporters.length === 0
  return [
    ...(none ? [ok('none is configured: records are shown where the listener runs')] : reached),
    ...exporters.flatMap(service),
  ]
}

/** What the listener says; nothing when all is well. */
function service({
  name,
  state,
  lastError,
  lagSeconds,
  lagRecords,
  rejected,
  deadLetters,
  dropped,
}: ExporterSnapshot): Finding[] {
  const lost = Object.entries(dropped).filter(([, count]) => count > 0)
  return [
    ...(isUp(state) ? [] : [trouble(name, state, lastError)]),
    ...(isUp(state) && lagSeconds > LATE_SECONDS
      ? [
          warn(
            `${name} is ${countText(lagRecords)} records behind, the oldest ${spanText(lagSeconds)} old`,
            'pgturret status',
          ),
        ]
      : []),
    ...(rejected > 0
      ? [
          warn(
            `${name} refused ${countText(rejected)} records, ${countText(deadLetters)} are kept`,
            `pgturret deadletter show ${name}`,
          ),
        ]
      : []),
    ...(lost.length > 0
      ? [
          warn(
            `${name} never got ${lost.map(([reason, count]) => `${countText(count)} records (${reason})`).join(', ')}`,
            'pgturret status; raise --journal-size',
          ),
        ]
      : []),
  ]
}

function trouble(name: string, state: ExporterSnapshot['state'], lastError: string | undefined): Finding {
  const said = failureText(`the listener is ${state} with ${name}`, lastError)
  if (state === 'retrying') return broken(said, 'its records wait in the journal; pgturret check')
  if (state === 'blocked')
    return broken(said, 'credentials, permissions or the target: mend it, then systemctl reload pgturret')
  return warn(said, 'systemctl restart pgturret')
}
