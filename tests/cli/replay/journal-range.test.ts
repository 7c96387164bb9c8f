import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Entries } from '../../../src/cli/recording/entries.ts'
import { readJournal } from '../../../src/cli/recording/read-journal.ts'
import { BlockBuilder } from '../../../src/journal/block.ts'
import { segmentName } from '../../../src/journal/segments.ts'
import { addTo, sent } from '../../journal/blocks.ts'

const HOUR_MS = 3_600_000
const BEGIN_MS = Date.UTC(2026, 2, 1)

/** A journal of a segment for each hour, of two blocks of ten records. */
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-range-'))
  for (let hour = 0; hour < 100; hour++) {
    const blocks = [0, 10].map((more) => {
      const position = hour * 20 + more
      const closedMs = BEGIN_MS + hour * HOUR_MS + more * 60_000
      return addTo(new BlockBuilder(), sent(position, position + 9)).close(position, closedMs).bytes
    })
    writeFileSync(join(folder, segmentName(hour * 20)), Buffer.concat(blocks))
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Positions of the first and last record that are looked at, and what is reported. */
async function range(since: number | undefined, until: number | undefined, from = 0) {
  const positions: number[] = []
  const damaged: string[] = []
  const entries = new Entries(from, undefined, { record: (_, position) => positions.push(position - 1) })
  const micros = (ms: number | undefined) => (ms === undefined ? undefined : ms * 1000)
  await readJournal(folder, {
    entries,
    since: micros(since),
    until: micros(until),
    maxFrameBytes: 2 ** 20,
    damaged: (message) => damaged.push(message),
    next: async () => true,
  })
  return { first: positions[0], last: positions.at(-1), count: positions.length, damaged }
}

describe('a range of time in a journal', () => {
  test('everything without one', async () =>
    expect(await range(undefined, undefined)).toEqual({ first: 0, last: 1999, count: 2000, damaged: [] }))

  test('begins with the segment in which the time lies', async () => {
    expect((await range(BEGIN_MS + 50.5 * HOUR_MS, undefined)).first).toBe(1000)
    expect((await range(BEGIN_MS + 50 * HOUR_MS, undefined)).first).toBe(1000)
    expect((await range(BEGIN_MS + 50 * HOUR_MS - 1, undefined)).first).toBe(980)
    expect((await range(BEGIN_MS - HOUR_MS, undefined)).first).toBe(0)
    expect((await range(BEGIN_MS + 1000 * HOUR_MS, undefined)).first).toBe(1980)
  })

  test('ends a day behind it, as records may have come late', async () => {
    const { last, damaged } = await range(undefined, BEGIN_MS + 10 * HOUR_MS)
    expect([last, damaged]).toEqual([34 * 20 + 19, []])
    expect((await range(undefined, BEGIN_MS - 100 * HOUR_MS)).count).toBe(0)
  })

  test('goes on at a position in it', async () => {
    expect((await range(BEGIN_MS + 10 * HOUR_MS, BEGIN_MS + 20 * HOUR_MS, 405)).first).toBe(405)
    expect((await range(BEGIN_MS + 10 * HOUR_MS, undefined, 5)).first).toBe(200)
  })
})
