import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../clock.ts'
import { DeadLetters } from '../deadletter/store.ts'
import { compileSelection } from '../filter/selection.ts'
import { mendDump } from '../ingest/dump.ts'
import { defaultSocketPath, prepareSocketPath } from '../ingest/socket-path.ts'
import { LiveFeed } from '../live/feed.ts'
import { controlPath, serveControl } from '../observe/control.ts'
import { healthSentence } from '../observe/health.ts'
import { serveMetrics } from '../observe/http-server.ts'
import { notifier } from '../observe/systemd.ts'
import type { Rejected } from '../pipeline/delivery.ts'
import type { OutletSettings } from '../pipeline/outlet.ts'
import { Outlets } from '../pipeline/outlets.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import type { CommandContext } from './context.ts'
import { LETTER_FOLDER } from './deadletter/letter-folder.ts'
import { pipelineSummary } from './delivery-summary.ts'
import { colorsOf } from './encodings.ts'
import { ExitCode } from './exit-code.ts'
import { type OpenJournal, openJournal } from './open-journal.ts'
import { outletRequest } from './outlet-requests.ts'
import { Reloader } from './reload.ts'
import type { ListenSettings } from './settings.ts'
import { snapshotOf } from './snapshot.ts'

/** Most bytes of the dead letters of one destination. */
const DEAD_LETTER_BYTES = 64 * 1024 * 1024
/** How often the service manager hears how it stands. */
const HEALTH_MS = 10_000

/**
 * Runs a listener until it is told to stop.
 *
 * @param reread reads the settings anew, for SIGHUP
 * @returns the exit status
 */
export async function serve(
  settings: ListenSettings,
  reread: () => ListenSettings,
  context: CommandContext,
): Promise<number> {
  const { options } = settings
  const path = options.socket ?? defaultSocketPath(context.env)
  // First of all: a listener that runs already may be writing the dump that is mended next.
  await prepareSocketPath(path)
  if (options.dump !== undefined) await mend(options.dump, options.maxFrameSize, context)
  const opened = await openJournal(options, context)
  try {
    return await serveJournal(opened, path, settings, reread, context)
  } finally {
    opened.release()
  }
}

async function mend(dump: string, maxFrameBytes: number, context: CommandContext): Promise<void> {
  const cut = await mendDump(dump, maxFrameBytes)
  if (cut > 0) context.log.warn(`cut an unfinished record off the end of ${dump}`, { bytes: cut })
}

async function serveJournal(
  opened: OpenJournal,
  path: string,
  settings: ListenSettings,
  reread: () => ListenSettings,
  context: CommandContext,
): Promise<number> {
  const { options } = settings
  const { log } = context
  // Before the destinations: a journal in memory forgets what they have had.
  const feed = new LiveFeed({ journal: opened.journal, journalId: journalId(opened.folder) })
  const pipeline = makePipeline(opened, path, settings, context)
  const colors = colorsOf(options.color, context)
  const requests = (of: ListenSettings) => of.destinations.map((one) => outletRequest(one, colors, log))
  const systemd = notifier(context.env, log)
  const reloader = new Reloader({ settings, reread, requests, pipeline, systemd, log })
  const snapshot = () => snapshotOf(pipeline, path)
  // Before the socket appears: from then on somebody may want it gone again.
  const told = untilToldToStop(pipeline, reloader, context)
  const metrics =
    options.metrics === undefined ? undefined : serveMetrics({ address: options.metrics, snapshot, log })
  const { groupId } = settings
  const control = await serveControl({
    path: controlPath(path),
    mode: options.socketMode,
    groupId,
    snapshot,
    tail: (query) => feed.answer(query),
    log,
  })
  try {
    await pipeline.start(requests(settings))
    await reportStrangers(pipeline, context)
    log.info(`listening on ${path}`)
    systemd.ready()
    const health = setInterval(() => systemd.status(healthSentence(snapshot())), HEALTH_MS)
    await told
    clearInterval(health)
    systemd.stopping()
    await pipeline.stop(options.drainTimeout)
  } finally {
    await Promise.all([control.stop(), metrics?.stop()])
    systemd.stop()
  }
  log.info(`stopped: ${pipelineSummary(pipeline)}`)
  return ExitCode.Done
}

/** What tells a journal from another in its place: a folder that was made anew is another one. */
function journalId(folder: string | undefined): string {
  if (folder === undefined) return randomUUID()
  const { ino, birthtimeMs } = statSync(folder)
  return `${ino}-${birthtimeMs}`
}

function makePipeline(
  { journal, folder, rings }: OpenJournal,
  path: string,
  { options, groupId }: ListenSettings,
  { log }: CommandContext,
): Pipeline {
  const letters =
    folder === undefined
      ? undefined
      : new DeadLetters({
          folder: join(folder, LETTER_FOLDER),
          journal,
          maxBytes: DEAD_LETTER_BYTES,
          log,
          clock: systemClock,
        })
  const reject = async ({ name, type }: OutletSettings, rejected: readonly Rejected[]) =>
    letters?.store({ name, type }, rejected)
  return new Pipeline({
    journal,
    rings,
    outlets: new Outlets({ journal, folder, reject, log, clock: systemClock }),
    listener: {
      path,
      mode: options.socketMode,
      groupId,
      maxConnections: options.maxConnections,
      maxFrameBytes: options.maxFrameSize,
      maxHeldBytes: options.maxFrameMemory,
      helloTimeoutMs: options.helloTimeout,
      frameTimeoutMs: options.frameTimeout,
      wanted: compileSelection({ level: options.level }),
      log,
      clock: systemClock,
    },
  })
}

/** Cursors of destinations that are not served: renamed, removed, or for another run. */
async function reportStrangers(pipeline: Pipeline, { log }: CommandContext): Promise<void> {
  const strangers = await pipeline.outlets.strangers()
  if (strangers.length === 0) return
  log.info(
    'the journal remembers destinations that are not served now; "pgturret journal prune" forgets them',
    {
      names: strangers.join(', '),
    },
  )
}

/** Resolves on SIGTERM or SIGINT, or when nobody reads what is written. */
function untilToldToStop(pipeline: Pipeline, reloader: Reloader, context: CommandContext): Promise<void> {
  return new Promise((resolve) => {
    let told = false
    context.onSignal(['SIGTERM', 'SIGINT'], () => {
      if (told) context.exitNow(ExitCode.Done)
      told = true
      resolve()
    })
    context.onSignal(['SIGHUP'], () => reloader.reload())
    pipeline.outlets.onProgress(() => {
      if (pipeline.outlets.closed) resolve()
    })
  })
}
