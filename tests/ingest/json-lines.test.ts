import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { readDump } from '../../src/ingest/dump.ts'
import { isPlainDump } from '../../src/ingest/dump-input.ts'
import { JsonLinesReader } from '../../src/ingest/json-lines.ts'
import type { Wanted } from '../../src/ingest/stream.ts'
import { jsonOf, recordOf } from '../record/records.ts'
import { shown } from './frames.ts'

/** Recordings that are lines of JSON. */

const line = (n: number, more = ''): string =>
  jsonOf(
    recordOf(
      {
        LogTime: '2026-03-01 12:00:00.001 UTC',
        ErrMessage: `message ${n}${more}`,
        ELevel: n % 2 === 0 ? 15 : 21,
        Encoding: 'UTF8',
      },
      // As if two servers wrote to one file.
      { bootId: 7n, sequence: BigInt(n), identity: n % 3 === 0 ? 'stock' : 'shop' },
    ),
  )

const LINES = Array.from({ length: 9 }, (_, i) => line(i + 1))
const TEXT = Buffer.from(`${LINES.join('\n')}\n`)
const ALL = LINES.map((_, i) => `${i + 1} message ${i + 1}`)

function reading(own: { wanted?: Wanted; maxFrameBytes?: number } = {}) {
  const records: string[] = []
  const damage: string[] = []
  const options = {
    handler: { record: (record: Parameters<typeof shown>[0]) => void records.push(shown(record)) },
    maxFrameBytes: 1 << 20,
    damaged: ({ reason, offset }: { reason: string; offset: number }) =>
      void damage.push(`${reason} at ${offset}`),
    ...own,
  }
  return { records, damage, options }
}

/** Reads a text in pieces that end at multiples of so many bytes, as they come in memory that is used again. */
function read(text: Uint8Array, piece = text.length, own: Parameters<typeof reading>[0] = {}) {
  const { records, damage, options } = reading(own)
  const reader = new JsonLinesReader(options)
  const buffer = new Uint8Array(piece)
  for (let at = 0; at < text.length; at += piece) {
    const part = text.subarray(at, at + piece)
    buffer.set(part)
    reader.push(buffer.subarray(0, part.length))
  }
  reader.end()
  return { records, damage, counted: reader.counts.records }
}

describe('lines', () => {
  test('are put together, wherever pieces end', () => {
    for (const piece of [1, 2, 7, 100, 397, TEXT.length])
      expect(read(TEXT, piece)).toEqual({ records: ALL, damage: [], counted: 9 })
  })

  test('may be empty, end like those of Windows, and the last one may have no end', () => {
    const text = Buffer.from(`${LINES[0]}\r\n\n\r\n${LINES[1]}`)
    expect(read(text).records).toEqual(ALL.slice(0, 2))
  })

  test('that are no record are told where they begin, and passed over', () => {
    const torn = LINES[1]!.slice(0, 50)
    const text = Buffer.from([LINES[0], torn, '{"a":1}', LINES[2]].join('\n'))
    const second = LINES[0]!.length + 1
    expect(read(text)).toEqual({
      records: [ALL[0]!, ALL[2]!],
      damage: [`malformed_record at ${second}`, `unexpected_frame at ${second + torn.length + 1}`],
      counted: 2,
    })
  })

  test('that are longer than a record may be are not kept', () => {
    const text = Buffer.from([LINES[0], line(2, 'x'.repeat(5000)), LINES[2]].join('\n'))
    const { records, damage } = read(text, 64, { maxFrameBytes: 2000 })
    expect(records).toEqual([ALL[0]!, ALL[2]!])
    expect(damage).toEqual([`frame_too_large at ${LINES[0]!.length + 1}`])
  })

  test('are chosen from as records are', () => {
    const wanted: Wanted = (record) => record.severity() === 'ERROR'
    const { records, counted } = read(TEXT, TEXT.length, { wanted })
    expect(records).toEqual(ALL.filter((_, i) => i % 2 === 0))
    expect(counted).toBe(9)
  })
})

describe('a file', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pgturret-lines-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each([
    ['plain', (bytes: Uint8Array) => bytes],
    ['gzip', (bytes: Uint8Array) => gzipSync(bytes)],
    ['zstd', (bytes: Uint8Array) => zstdCompressSync(bytes)],
  ])('is told by its first byte: %s', async (name, compress) => {
    const path = join(folder, name)
    writeFileSync(path, compress(TEXT))
    const { records, damage, options } = reading()
    const counts = await readDump(path, { ...options, next: async () => true })
    expect({ records, damage, counts }).toEqual({
      records: ALL,
      damage: [],
      counts: { records: 9, unknownFrames: 0 },
    })
    expect(isPlainDump(path)).toBe(false)
  })

  test('that is empty holds nothing', async () => {
    const path = join(folder, 'empty')
    writeFileSync(path, '')
    const { records, damage, options } = reading()
    const counts = await readDump(path, { ...options, next: async () => true })
    expect({ records, damage, counts }).toEqual({
      records: [],
      damage: [],
      counts: { records: 0, unknownFrames: 0 },
    })
  })
})
