import { afterAll, afterEach, beforeEach, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.ts'
import { RetryableError } from '../../src/errors.ts'
import { readCursors } from '../../src/journal/cursor.ts'
import { systemDisk } from '../../src/journal/disk.ts'
import { makeLog } from '../../src/log.ts'
import { Pipeline } from '../../src/pipeline/pipeline.ts'
import { hello, logs, ring } from '../ingest/frames.ts'
import { Sender } from '../ingest/senders.ts'
import { Folder, numbersOf, type Run, range, request, until } from './journal-stage.ts'
import { ScriptedExporter } from './scripted-exporter.ts'

/** The end of a pipeline, from its senders to its destinations: what happens, and in which order. */

const ROOT = mkdtempSync(join(tmpdir(), 'pgturret-stop-'))
afterAll(() => rmSync(ROOT, { recursive: true, force: true }))

let folder: Folder
let run: Run
let senders: Sender[] = []
let socket = ''

beforeEach(async () => {
  folder = new Folder()
  // So long that a sync comes only when it is asked for.
  run = await folder.open({ sync: 'interval', syncIntervalMs: 600_000 })
  socket = join(mkdtempSync(join(ROOT, 's')), 'log.sock')
})
afterEach(async () => {
  for (const sender of senders) sender.destroy()
  senders = []
  await run.stop(0)
})

async function start(exporter: ScriptedExporter) {
  const pipeline = new Pipeline({
    journal: run.journal,
    rings: [],
    outlets: run.outlets,
    listener: {
      path: socket,
      mode: 0o600,
      groupId: undefined,
      maxConnections: 10,
      maxFrameBytes: 2 ** 20,
      maxHeldBytes: 2 ** 24,
      helloTimeoutMs: 10_000,
      frameTimeoutMs: 10_000,
      wanted: undefined,
      log: makeLog(() => undefined, false),
      clock: systemClock,
    },
  })
  await pipeline.start([request(exporter)])
  const sender = await Sender.connect(socket)
  senders.push(sender)
  await sender.send(hello(2), ring(7n, 1n))
  await sender.untilAcknowledged(-1n)
  return { pipeline, sender }
}

test('senders first, then the journal, then destinations; at last senders hear of what is safe', async () => {
  const exporter = new ScriptedExporter('ok', 'hang')
  const { pipeline, sender } = await start(exporter)
  await sender.send(logs(1, 1))
  await until('the first record', () => exporter.accepted.length === 1)
  // The first sync is due at once; the next one is a long way off.
  await sender.untilAcknowledged(1n)
  await sender.send(logs(2, 10))
  await until('a request that hangs', () => exporter.attempts.length === 2)
  const stopped = pipeline.stop(60_000)
  await until('the socket to go', () => !existsSync(socket))
  await until('reading to end', () => !pipeline.listener.listening)
  expect(sender.acknowledged.at(-1)).toBe(1n)
  expect(sender.closed).toBe(false)
  exporter.release()
  await stopped
  await sender.untilClosed()
  expect(numbersOf(exporter.accepted)).toEqual(range(1, 10))
  expect(exporter.closed).toBe(1)
  expect(sender.acknowledged.at(-1)).toBe(10n)
  const cursors = await readCursors(systemDisk, join(folder.path, 'cursors'))
  expect(cursors.get('there')).toMatchObject({ position: 10 })
})

test('what a destination does not take in time stays in the journal, and its sender may forget it', async () => {
  const exporter = new ScriptedExporter(() => new RetryableError('down'))
  const { pipeline, sender } = await start(exporter)
  await sender.send(logs(1, 10))
  await until('an attempt', () => exporter.attempts.length > 0)
  await pipeline.stop(0)
  await sender.untilClosed()
  expect(sender.acknowledged.at(-1)).toBe(10n)
  expect(pipeline.unwritten).toBe(0)
  expect(run.journal.end - run.outlets.all[0]!.position).toBe(10)
})
