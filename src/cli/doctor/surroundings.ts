import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { systemClock } from '../../clock.ts'
import { defaultJournal } from '../../config/default-paths.ts'
import { listenOptions } from '../../config/listen-options.ts'
import { type Given, readOptions } from '../../config/options.ts'
import { systemAccounts } from '../../doctor/accounts.ts'
import { runInTime } from '../../doctor/run.ts'
import type { DestinationToReach, Surroundings } from '../../doctor/surroundings.ts'
import { systemDisk } from '../../journal/disk.ts'
import { controlPath } from '../../observe/control.ts'
import { readStatus } from '../../observe/read-status.ts'
import type { Snapshot } from '../../observe/snapshot.ts'
import { reach } from '../check.ts'
import { SERVICE_JOURNAL, socketFound } from '../listener-places.ts'
import { askedBy, type ListenSettings, readSources, type Sources, settingsFrom } from '../settings.ts'
import { secretPlaces } from './secret-places.ts'

/** How long a program of the system's may take. */
const PROGRAM_MS = 5000

/**
 * What `pgturret doctor` looks at: this machine, the configuration, and the listener that is found by it. Never rejects over
 * what is wrong with them: that is what is looked for.
 */
export async function surroundingsOf(given: Given, pgConfig: string | undefined): Promise<Surroundings> {
  const problems: string[] = []
  const sources = readSources(given, problems)
  const settings = settingsFrom(sources, problems)
  const own = placesIn(sources)
  const socket = own.socket ?? socketFound(given.env)
  const status = await readStatus(controlPath(socket))
  return {
    uid: process.getuid?.(),
    env: given.env,
    now: () => systemClock.now(),
    accounts: systemAccounts(),
    socket,
    journal: journalOf(own.journal, status.snapshot, given),
    limits: limitsOf(sources),
    disk: systemDisk,
    status,
    configuration: { path: sources.file?.path, problems, ...secretPlaces(sources) },
    destinations: destinationsOf(sources, settings),
    pgConfig,
    proc: '/proc',
    systemd: '/run/systemd/system',
    run: (command) => runInTime(command, given.env, PROGRAM_MS),
  }
}

/** Also where other options cannot be read. */
const placesIn = ({ given }: Sources): { socket?: string | undefined; journal?: string | undefined } =>
  readOptions(listenOptions.pick({ socket: true, journal: true }), given, []) ?? {}

/** The running listener knows best, unless another journal was asked for. */
function journalOf(
  named: string | undefined,
  running: Snapshot | undefined,
  given: Given,
): string | undefined {
  if (named === undefined && running !== undefined) return running.journal.folder
  if (named === 'memory') return undefined
  const own = resolve(named ?? defaultJournal(given.env))
  return named === undefined && !existsSync(own) && existsSync(SERVICE_JOURNAL) ? SERVICE_JOURNAL : own
}

function limitsOf({ given }: Sources): Surroundings['limits'] {
  const limits = listenOptions.pick({ journalSize: true, journalFree: true, maxConnections: true })
  const read = readOptions(limits, given, []) ?? limits.parse({})
  return { journalBytes: read.journalSize, freeBytes: read.journalFree, connections: read.maxConnections }
}

/** Those that were asked for: the screen, which is there when nothing was, is nothing to reach. */
function destinationsOf(sources: Sources, settings: ListenSettings | undefined): DestinationToReach[] {
  const { destinations = [] } = settings ?? {}
  const shown = sources.file === undefined && askedBy(sources).every(({ to }) => to === 'stdout')
  return (shown ? [] : destinations).map((destination) => ({
    name: destination.name,
    label: destination.definition.label(destination.options),
    reach: async () => {
      const { state, said } = await reach(destination)
      if (state !== 'FAIL') return { state: 'ok', said }
      return { state: 'broken', said, advice: `pgturret check --to ${destination.name}` }
    },
  }))
}
