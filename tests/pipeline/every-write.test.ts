import { describe, expect, test } from 'bun:test'
import type { Disk } from '../../src/journal/disk.ts'
import type { DiskJournal } from '../../src/journal/disk-journal.ts'
import { dropped, hello, log, ring } from '../ingest/frames.ts'
import { DyingDisk } from './dying-disk.ts'
import { Folder, numbersOf, type Run, range, until } from './journal-stage.ts'
import { ScriptedExporter } from './scripted-exporter.ts'

/**
 * A listener that is killed at each of its writes in turn (data, heads, cursors, syncs, names): what its sender has not been
 * told of comes again, and then the journal has every record once, and the destination every record, one batch at the most
 * twice.
 */

const RECORDS = 60
const LOST = { first: 31, count: 3 }
const BATCH = 7
/** Small, so that segments end often. */
const own = { sync: 'always', segmentBytes: 2500 } as const

const hasRecord = (n: number): boolean => n < LOST.first || n >= LOST.first + LOST.count
const ALL = range(1, RECORDS).filter(hasRecord)

/** Sends what a sender still holds, a few records at a time, until all is settled or the process is dead. */
async function live(run: Run, next: number, dead: () => boolean): Promise<void> {
  run.take(hello(), ring(7n, BigInt(next)))
  for (let n = next; n <= RECORDS && !dead(); n++) {
    if (hasRecord(n)) run.take(log(n))
    else {
      run.take(dropped(BigInt(n), BigInt(LOST.first + LOST.count - n)))
      n = LOST.first + LOST.count - 1
    }
    if (n % 5 === 0) await until('the journal', () => dead() || run.journal.durable === run.journal.end)
  }
  await until('the end', () => dead() || run.outlets.settled === run.journal.end)
}

async function open(folder: Folder, disk?: Disk): Promise<{ run: Run; next: number }> {
  const run = await folder.open({ ...own, ...(disk === undefined ? {} : { disk }) })
  const reached = (run.journal as DiskJournal).rings.find(({ source }) => source.bootId === 7n)
  return { run, next: Number(reached?.sequence ?? 0n) + 1 }
}

/** Returns whether it was killed before it was done. */
async function killedAt(write: number, half: boolean): Promise<boolean> {
  const folder = new Folder()
  const limits = { maxRecords: BATCH, maxBytes: 1e6 }
  const disk = new DyingDisk(write, half)
  const before = new ScriptedExporter()
  const life = (async () => {
    const { run, next } = await open(folder, disk)
    await run.serve(before, { limits, start: 'oldest' })
    await live(run, next, () => disk.dead)
  })()
  let done = false
  void life.then(() => {
    done = true
  })
  await until('its end', () => done || disk.dead)
  const delivered = numbersOf(before.accepted)
  const { run, next } = await open(folder)
  const [after, everything] = [new ScriptedExporter(), new ScriptedExporter()]
  await run.serve(after, { limits, start: 'oldest' })
  await run.serve(everything, { name: 'everything', start: 'oldest' })
  await live(run, next, () => false)
  await run.stop()
  expect(numbersOf(everything.accepted), `the journal, killed at write ${write}`).toEqual(ALL)
  const twice = delivered.length + after.accepted.length - ALL.length
  expect([...new Set([...delivered, ...numbersOf(after.accepted)])].sort((a, b) => a - b)).toEqual(ALL)
  expect(twice, `killed at write ${write}`).toBeLessThanOrEqual(BATCH)
  return disk.dead
}

describe.each([false, true])('killed at each write, which is half done: %p', (half) => {
  test('nothing is lost, and nothing is twice in the journal', async () => {
    let write = 0
    while (await killedAt(write, half)) write++
    expect(write).toBeGreaterThan(50)
  }, 60_000)
})
