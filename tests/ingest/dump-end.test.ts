import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readDump } from '../../src/ingest/dump.ts'
import { offsetOfLast } from '../../src/ingest/dump-end.ts'
import type { Wanted } from '../../src/ingest/stream.ts'
import { hello, log, logs, ring, shown } from './frames.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-end-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let names = 0
function file(bytes: Uint8Array): string {
  const path = join(folder, String(names++))
  writeFileSync(path, bytes)
  return path
}

const offsetFor = (path: string, count: number, wanted?: Wanted) =>
  offsetOfLast(path, { count, wanted, maxFrameBytes: 1 << 26 })

/** A dump in which `V` `I` `R` stand in front of every thousand records. */
function pieces(count: number): Buffer {
  const parts = Array.from({ length: count }, (_, i) => [
    hello(2),
    ring(7n, BigInt(1000 * i)),
    logs(1000 * i, 1000 * i + 999),
  ])
  return Buffer.concat(parts.flat())
}

/** More than is looked at first. */
const DUMP = pieces(30)
const END = 30_000

test('a dump in pieces is read from one close to its end, with sequences as they were', async () => {
  const dump = DUMP
  const path = file(dump)
  const from = await offsetFor(path, 100)
  expect(from).toBeGreaterThanOrEqual(dump.length - 1024 * 1024)
  const records: string[] = []
  const next = async () => true
  const damaged = (error: Error) => {
    throw error
  }
  await readDump(path, {
    handler: { record: (one) => void records.push(shown(one)) },
    maxFrameBytes: 1 << 26,
    damaged,
    next,
    from,
  })
  expect(records.at(-1)).toBe(`${END - 1} message ${END - 1}`)
  expect(records.length).toBeGreaterThanOrEqual(100)
})

test('records that are wanted seldom are looked for further back', async () => {
  const dump = DUMP
  const path = file(dump)
  const wanted: Wanted = (record) => record.sequenceOffset === 7
  const from = await offsetFor(path, 10, wanted)
  expect(from).toBeGreaterThan(0)
  expect(from).toBeLessThan(dump.length - 1024 * 1024)
  expect(await offsetFor(path, 10_000, wanted)).toBe(0)
})

test('the recording of one connection, a small one, and one whose end is damaged are read whole', async () => {
  expect(await offsetFor(file(Buffer.concat([hello(2), ring(7n, 0n), logs(0, 8000)])), 1)).toBe(0)
  expect(await offsetFor(file(pieces(1)), 1)).toBe(0)
  const damaged = Buffer.from(DUMP)
  damaged.writeInt32BE(2, damaged.length - log(END - 1).length + 1)
  expect(await offsetFor(file(damaged), 1)).toBe(0)
})

test('an end that is being written is no damage', async () => {
  const dump = DUMP
  expect(await offsetFor(file(dump.subarray(0, dump.length - 5)), 1)).toBeGreaterThan(0)
})
