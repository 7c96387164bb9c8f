import { listSegments } from '../journal/segments.ts'
import { spanText } from '../observe/amounts.ts'
import { type Finding, ok, warn } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** Clocks of one machine differ by less. */
const TOLERANCE_MS = 5000

/** Whether the clock can be believed: against what was written last, and against the network's. */
export async function examineClock(surroundings: Surroundings): Promise<Finding[]> {
  const { now, status } = surroundings
  const moment = now()
  const written = await lastWrite(surroundings)
  const ahead = Math.max(written ?? 0, status.snapshot?.startedMs ?? 0) - moment
  const said = new Date(moment).toISOString().replace('T', ' ').slice(0, 19)
  const last =
    written === undefined ? '' : `; last record written ${spanText(Math.max(0, moment - written) / 1000)} ago`
  return [
    ahead > TOLERANCE_MS
      ? warn(
          `${said} UTC, but records were written ${spanText(ahead / 1000)} later: the clock was set back`,
          'timedatectl',
        )
      : ok(`${said} UTC${last}`),
    ...(await network(surroundings)),
  ]
}

/** When the journal was written to last. */
async function lastWrite({ journal, disk }: Surroundings): Promise<number | undefined> {
  if (journal === undefined) return undefined
  const segments = await listSegments(disk, journal).catch(() => [])
  return segments.at(-1)?.modifiedMs
}

async function network({ run }: Surroundings): Promise<Finding[]> {
  const ran = await run(['timedatectl', 'show', '-p', 'NTPSynchronized', '--value'])
  return ran?.stdout.trim() === 'no' ? [warn('the clock is not kept by NTP', 'timedatectl set-ntp true')] : []
}
