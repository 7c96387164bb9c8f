import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { readDump } from '../../src/ingest/dump.ts'
import { isPlainDump, openDump } from '../../src/ingest/dump-input.ts'
import { hello, logs, ring, shown } from './frames.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-input-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let names = 0
function file(bytes: Uint8Array): string {
  const path = join(folder, String(names++))
  writeFileSync(path, bytes)
  return path
}

const RECORDS = 20_000
/** Incompressible enough to make many pieces. */
const DUMP = Buffer.concat([hello(2), ring(7n, 1n), logs(1, RECORDS)])
const COMPRESSIONS = [
  ['gzip', (bytes: Uint8Array) => gzipSync(bytes)],
  ['zstd', (bytes: Uint8Array) => zstdCompressSync(bytes)],
] as const

async function read(path: string) {
  const records: string[] = []
  const damage: string[] = []
  await readDump(path, {
    handler: { record: (record) => void records.push(shown(record)) },
    maxFrameBytes: 1 << 26,
    damaged: (error) => void damage.push(`${error.reason}: ${error.message}`),
    next: async () => true,
  })
  return { records: records.length, last: records.at(-1), damage }
}

const WHOLE = { records: RECORDS, last: `${RECORDS} message ${RECORDS}`, damage: [] }

describe.each(COMPRESSIONS)('%s', (_, compress) => {
  test('is told by its first bytes, and read', async () => {
    const path = file(compress(DUMP))
    expect(isPlainDump(path)).toBe(false)
    expect(await read(path)).toEqual(WHOLE)
  })

  test('pieces that were compressed one by one and put together', async () => {
    const half = DUMP.length >> 1
    const path = file(Buffer.concat([compress(DUMP.subarray(0, half)), compress(DUMP.subarray(half))]))
    expect(await read(path)).toEqual(WHOLE)
  })

  test('what is cut off is read as far as it goes, and said', async () => {
    const bytes = compress(DUMP)
    const { records, damage } = await read(file(bytes.subarray(0, Math.floor(bytes.length * 0.7))))
    expect(records).toBeGreaterThan(RECORDS / 4)
    expect(records).toBeLessThan(RECORDS)
    expect(damage).toHaveLength(1)
    expect(damage[0]).toContain('cut off')
  })

  test('what is damaged is read up to there, and said', async () => {
    const bytes = Buffer.from(compress(DUMP))
    bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 400)
    const { records, damage } = await read(file(bytes))
    expect(records).toBeLessThan(RECORDS)
    expect(damage[0]).toContain('the compressed file is damaged')
  })

  test('nothing inside', async () => {
    expect(await read(file(compress(new Uint8Array(0))))).toEqual({ records: 0, last: undefined, damage: [] })
  })

  test('reading may end before the end', async () => {
    const input = await openDump(file(compress(DUMP)))
    expect((await input.read())!.length).toBeGreaterThan(0)
    await input.close()
  })
})

test('zstd that is cut between two of its blocks is noticed, although every frame that was read is whole', async () => {
  // Records of one size, so that a block of the archive can end where a record does.
  const one = logs(1, 1)
  const head = Buffer.concat([hello(2), ring(7n, 1n)])
  const bytes = zstdCompressSync(Buffer.concat([head, one]))
  const frame = Buffer.from(bytes)
  // The last block of the archive says that it is the last: now it says that another follows.
  const at = frame.length - lastBlockBytes(frame)
  frame[at]! &= 0xfe
  const { records, damage } = await read(file(frame))
  expect({ records, damage }).toEqual({
    records: 1,
    damage: ['truncated: the compressed file is cut off'],
  })
})

/** Bytes of the last block of a small archive, its header of three bytes included: there is only one. */
function lastBlockBytes(bytes: Uint8Array): number {
  for (let at = 5; at < bytes.length - 3; at++) {
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
    if ((header & 1) === 1 && at + 3 + (header >> 3) === bytes.length) return bytes.length - at
  }
  throw new Error('no block')
}

test('what is not compressed, from an offset, and shorter than a signature', async () => {
  expect(await read(file(DUMP))).toEqual(WHOLE)
  expect(isPlainDump(file(DUMP))).toBe(true)
  expect(await read(file(new Uint8Array(0)))).toEqual({ records: 0, last: undefined, damage: [] })
  expect((await read(file(DUMP.subarray(0, 3)))).damage).toHaveLength(1)
  const input = await openDump(file(DUMP), DUMP.length - 10)
  expect(Buffer.from((await input.read())!)).toEqual(DUMP.subarray(-10))
  expect(await input.read()).toBeUndefined()
  await input.close()
})

test('standard input that comes in small pieces is told by its first bytes, too', async () => {
  const path = file(gzipSync(DUMP))
  const script = join(import.meta.dir, '../../src/cli/main.ts')
  const words = [process.execPath, script, 'tail', '-', '-n', '2', '--format', 'json']
  const child = Bun.spawn(words, { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' })
  const bytes = readFileSync(path)
  for (let at = 0; at < bytes.length; at += at < 8 ? 1 : 50_000) {
    child.stdin.write(bytes.subarray(at, at + (at < 8 ? 1 : 50_000)))
    await child.stdin.flush()
  }
  child.stdin.end()
  const lines = (await child.stdout.text()).trim().split('\n')
  expect(lines.map((line) => JSON.parse(line).message)).toEqual([
    `message ${RECORDS - 1}`,
    `message ${RECORDS}`,
  ])
  expect(await child.exited).toBe(0)
})
