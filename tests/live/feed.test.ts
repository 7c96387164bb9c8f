import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { FrameDecoder } from '../../src/codec/frame.ts'
import { LogStream } from '../../src/ingest/stream.ts'
import { DiskJournal } from '../../src/journal/disk-journal.ts'
import type { Journal } from '../../src/journal/journal.ts'
import { MemoryJournal } from '../../src/journal/memory-journal.ts'
import type { SentBlock } from '../../src/live/block-stream.ts'
import { type Feed, openFeed } from '../../src/live/client.ts'
import { type FeedOptions, LiveFeed } from '../../src/live/feed.ts'
import type { FeedRequest } from '../../src/live/request.ts'
import { type ControlServer, serveControl } from '../../src/observe/control.ts'
import { sent, take } from '../journal/blocks.ts'
import { MemoryLog } from '../journal/memory-log.ts'
import { snapshotWith } from '../observe/snapshots.ts'
import { waitUntil } from '../support/wait-until.ts'

let root = ''
beforeAll(() => {
  root = mkdtempSync('/tmp/pgturret-feed-')
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

let names = 0
const stages: Stage[] = []
afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.stop()
})

/** A journal that is shown on a control socket. */
class Stage {
  readonly feed: LiveFeed
  readonly journal: Journal
  readonly path = join(root, `${names++}.sock`)
  readonly #feeds: Feed[] = []
  #control: ControlServer | undefined

  constructor(journal: Journal, own: Partial<FeedOptions> = {}) {
    this.journal = journal
    this.feed = new LiveFeed({ journal, journalId: 'a', ...own })
    stages.push(this)
  }

  static async onDisk(own: Partial<FeedOptions> = {}): Promise<Stage> {
    const journal = await DiskJournal.open({
      folder: join(root, `journal-${names++}`),
      maxBytes: 1024 ** 3,
      maxAgeMs: undefined,
      minFreeBytes: 0,
      sync: 'off',
      syncIntervalMs: 100,
      log: new MemoryLog(),
    })
    return new Stage(journal, own).serve()
  }

  async serve(): Promise<this> {
    const tail = (query: URLSearchParams) => this.feed.answer(query)
    this.#control = await serveControl({
      path: this.path,
      mode: 0o600,
      snapshot: snapshotWith,
      log: new MemoryLog(),
      tail,
    })
    return this
  }

  /** Puts so many records behind the last one, and waits until they can be read; sequences are positions. */
  async put(records: number): Promise<void> {
    for (let left = records; left > 0; left -= 1000) {
      const { end } = this.journal
      take(this.journal, sent(end, end + Math.min(left, 1000) - 1))
      const { end: wanted } = this.journal
      const reader = this.journal.reader(wanted - 1)
      await waitUntil(
        () => reader.behind,
        (there) => there,
        'the records to be written',
        { intervalMs: 0 },
      )
      reader.close()
    }
  }

  async open(request: FeedRequest = {}): Promise<Feed> {
    const feed = await openFeed(this.path, request)
    if ('status' in feed) throw new Error(`refused: ${feed.status} ${feed.message}`)
    this.#feeds.push(feed)
    return feed
  }

  async stop(): Promise<void> {
    for (const feed of this.#feeds) await feed.close()
    await this.#control?.stop()
    await this.journal.close(1000)
  }
}

/** Sequences of the records of a block that were not shown before. */
function sequencesOf({ bytes, skip }: SentBlock): number[] {
  const sequences: number[] = []
  const record = (one: { sequence: bigint | undefined }) => void sequences.push(Number(one.sequence))
  const stream = new LogStream(new FrameDecoder(), {
    record,
    damage: (error) => {
      throw error
    },
  })
  stream.push(bytes)
  return sequences.slice(skip)
}

/** Reads up to a position; returns sequences of records that were shown, and what was skipped. */
async function readTo(feed: Feed, end: number) {
  const shown: number[] = []
  const skipped: { count: number; reason: string }[] = []
  for await (const step of feed.steps()) {
    if (step.block !== undefined) shown.push(...sequencesOf(step.block))
    else skipped.push({ count: step.skipped.count, reason: step.skipped.reason })
    if (feed.position >= end) break
  }
  return { shown, skipped }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe('what is shown', () => {
  test('the last records, and then what comes', async () => {
    const stage = await Stage.onDisk()
    await stage.put(2500)
    const feed = await stage.open({ last: 1700 })
    expect([feed.kind, feed.start, feed.end, feed.first]).toEqual(['disk', 0, 2500, 800])
    const reading = readTo(feed, 2503)
    await stage.put(3)
    expect(await reading).toEqual({ shown: range(800, 2503), skipped: [] })
  })

  test('without a beginning: from now on; with an end: no further', async () => {
    const stage = await Stage.onDisk()
    await stage.put(10)
    expect((await stage.open()).first).toBe(10)
    const whole: number[] = []
    for await (const { block } of (await stage.open({ from: 4, to: 'end' })).steps())
      whole.push(...sequencesOf(block!))
    expect(whole).toEqual(range(4, 10))
  })

  test('what was received at a time, and later', async () => {
    const stage = await Stage.onDisk()
    await stage.put(10)
    const between = Date.now()
    await waitUntil(
      () => Date.now(),
      (now) => now > between + 2,
      'the clock to go on',
    )
    await stage.put(10)
    // Bytes are few: the search does not go into the segment.
    const { shown } = await readTo(await stage.open({ since: between }), 20)
    expect(shown).toEqual(expect.arrayContaining(range(10, 20)))
  })

  test('several viewers see the same, and leave', async () => {
    const stage = await Stage.onDisk({ mostViewers: 3 })
    const feeds = await Promise.all([
      stage.open({ from: 0 }),
      stage.open({ from: 0 }),
      stage.open({ from: 5 }),
    ])
    expect(stage.feed.viewers).toBe(3)
    const refused = await openFeed(stage.path, {})
    expect(refused).toEqual({ status: 503, message: '3 others look on already' })
    const reading = feeds.map((feed) => readTo(feed, 3000))
    await stage.put(3000)
    const [a, b, c] = await Promise.all(reading)
    expect(a).toEqual({ shown: range(0, 3000), skipped: [] })
    expect(b).toEqual(a!)
    // It asked for what was not there yet: it begins at the end that there was.
    expect(c!.shown.at(-1)).toBe(2999)
    for (const feed of feeds) await feed.close()
    await waitUntil(
      () => stage.feed.viewers,
      (count) => count === 0,
      'the viewers to be gone',
    )
  })

  test('what the journal has no more is said', async () => {
    const journal = new MemoryJournal(1 << 20)
    const stage = await new Stage(journal).serve()
    await stage.put(20)
    journal.settled(20)
    take(journal, sent(20, 24))
    expect(await readTo(await stage.open({ from: 3 }), 25)).toEqual({
      shown: range(20, 25),
      skipped: [{ count: 17, reason: 'retention' }],
    })
  })

  test('an idle stream says that it is alive', async () => {
    const stage = await Stage.onDisk({ heartbeatMs: 1 })
    const response = await fetch('http://pgturret/tail', { unix: stage.path })
    const reader = response.body!.getReader()
    let said = ''
    while (!said.includes('HHH')) {
      const { value } = await reader.read()
      said += [...value!]
        .filter((byte) => byte === 0x48)
        .map(() => 'H')
        .join('')
    }
    await reader.cancel()
  })

  test('nonsense is refused', async () => {
    const stage = await Stage.onDisk()
    const response = await fetch('http://pgturret/tail?from=x', { unix: stage.path })
    expect([response.status, await response.text()]).toEqual([400, 'from: expected a number\n'])
  })
})

describe('a viewer that does not read', () => {
  test('is put to the end; what was shown and what was skipped is everything', async () => {
    const stage = await Stage.onDisk({ limits: { records: 3000, bytes: 1 << 30, keptBytes: 1 << 20 } })
    const feed = await stage.open()
    const steps = feed.steps()
    await stage.put(60_000)
    // Nobody else noticed: everything is in the journal.
    expect(stage.journal.end).toBe(60_000)
    await stage.put(1)
    const shown: number[] = []
    const skipped: number[] = []
    const reading = (async () => {
      for await (const step of steps) {
        if (step.block !== undefined) shown.push(...sequencesOf(step.block))
        else skipped.push(step.skipped.count)
        if (feed.position >= 60_003) break
      }
    })()
    await waitUntil(
      () => feed.position,
      (position) => position >= 60_001,
      'the viewer to be put to the end',
    )
    await stage.put(2)
    await reading
    expect(skipped.length).toBeGreaterThan(0)
    expect(shown.length + skipped.reduce((sum, count) => sum + count, 0)).toBe(60_003)
    expect(shown).toEqual([...shown].sort((a, b) => a - b))
    expect(shown.at(-1)).toBe(60_002)
  })

  test('who reads the past is left to it, however far behind', async () => {
    const stage = await Stage.onDisk({ limits: { records: 100, bytes: 1 << 30, keptBytes: 1 << 20 } })
    await stage.put(20_000)
    expect(await readTo(await stage.open({ from: 0 }), 20_000)).toEqual({
      shown: range(0, 20_000),
      skipped: [],
    })
  })

  test('a journal that forgets keeps a little for it, and counts the rest', async () => {
    const journal = new MemoryJournal(1 << 24)
    const stage = await new Stage(journal, {
      limits: { records: 1 << 30, bytes: 1 << 30, keptBytes: 300_000 },
    }).serve()
    // Every destination has had everything at once.
    journal.onReadable(() => journal.settled(journal.end))
    const feed = await stage.open()
    const steps = feed.steps()
    for (let end = 0; end < 30_000; end += 1000) take(journal, sent(end, end + 999))
    expect(journal.bytesAfter(0)).toBe(0)
    const shown: number[] = []
    let skipped = 0
    for await (const step of steps) {
      if (step.block !== undefined) shown.push(...sequencesOf(step.block))
      else skipped += step.skipped.count
      if (feed.position >= 30_000) break
    }
    expect(shown.length).toBeGreaterThan(500)
    expect(shown.slice(0, 500)).toEqual(range(0, 500))
    expect(skipped).toBeGreaterThan(0)
    expect(shown.length + skipped).toBe(30_000)
  })
})
