import { describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Field } from '../../src/codec/fields.ts'
import type { Batch } from '../../src/exporter.ts'
import file from '../../src/exporters/file.ts'
import { DumpReader } from '../../src/ingest/dump.ts'
import { ChunkPool } from '../../src/pipeline/chunk.ts'
import { Lane } from '../../src/pipeline/lane.ts'
import { uidOf } from '../../src/record/uid.ts'
import type { RecordView } from '../../src/record/view.ts'
import { FebeEncoder } from '../../src/render/febe.ts'
import { dropped, hello, log, ring } from '../ingest/frames.ts'
import { ScriptedExporter, Stage } from './scripted-exporter.ts'

/** A dump that is written from records is read back as the same records: ids, sequences, drops, sources. */

const described = (record: RecordView): string =>
  [
    uidOf(record),
    record.sequence,
    record.source.identity,
    record.source.bootId,
    record.text(Field.ErrMessage),
  ].join(' ')

interface Taker {
  record(record: RecordView): void
  dropped(lost: { firstSequence: bigint; count: bigint }, source: RecordView['source']): void
}

/** Reads streams one after the other, each as an own connection; returns what was read, and the damage. */
function readAll(streams: readonly Uint8Array[], taker?: Taker): string[] {
  const seen: string[] = []
  for (const stream of streams) {
    const reader = new DumpReader({
      handler: {
        record: (record) => {
          seen.push(described(record))
          taker?.record(record)
        },
        dropped: (lost, source) => {
          seen.push(`dropped ${lost.firstSequence}+${lost.count} of ${source.bootId}`)
          taker?.dropped(lost, source)
        },
      },
      maxFrameBytes: 1 << 26,
      damaged: (error) => seen.push(`${error.reason} at ${error.offset}`),
    })
    reader.push(stream)
    reader.end()
  }
  return seen
}

/** Writes what streams hold as a dump, sealing a chunk where told to; returns what was read and the batches. */
async function rewrite(streams: readonly Uint8Array[], sealAfter: (n: number) => boolean) {
  const batches: Uint8Array[] = []
  const exporter = new ScriptedExporter((batch: Batch) => {
    batches.push(batch.bytes.slice())
    return undefined
  })
  // As the file destination has it: whole chunks, joined while they are small.
  const stage = new Stage(exporter, { limits: { maxRecords: 1_000_000, maxBytes: 1024 * 1024 } })
  const lane = new Lane(new FebeEncoder(), [stage.delivery], new ChunkPool())
  let position = 0
  const after = () => {
    if (sealAfter(position)) lane.seal()
  }
  const seen = readAll(streams, {
    record: (record) => {
      lane.add(record, ++position)
      after()
    },
    dropped: (lost, source) => {
      lane.addDropped({ ...lost, elevel: 15, reason: 'queue_full' }, source, ++position)
      after()
    },
  })
  lane.seal()
  await stage.delivery.settle()
  return { seen, batches, stage, position }
}

const withoutDamage = (lines: readonly string[]) =>
  lines.filter((line) => !/^(bad_length|frame_too|trunc|malf|unex)/.test(line))

describe('the same records', () => {
  const one = Buffer.concat([hello(2, 'one'), ring(7n, 3n), log(3), log(4), dropped(5n, 4n), log(9)])
  const other = Buffer.concat([
    hello(2, 'other'),
    ring(8n, 1n),
    dropped(1n, 2n),
    log(3),
    ring(8n, 50n),
    log(50),
  ])
  const old = Buffer.concat([hello(1, 'öld'), log(1, 1), log(2, 1)])
  const bare = Buffer.concat([hello(2, 'no ring'), log(1), log(2)])
  const torn = Buffer.concat([
    hello(2, 'torn'),
    ring(9n, 0n),
    log(0),
    Buffer.alloc(9),
    log(5),
    log(6),
    dropped(7n, 1n),
    log(8),
  ])
  const all = [one, old, other, bare, torn, one, old]

  test.each([
    ['in one piece', () => false],
    ['a piece each', () => true],
    ['pieces of three', (n: number) => n % 3 === 0],
  ] as const)('%s', async (_, sealAfter) => {
    const { seen, batches, stage, position } = await rewrite(all, sealAfter)
    expect(seen.filter((line) => line.includes('dropped'))).toHaveLength(4)
    expect(readAll([Buffer.concat(batches)])).toEqual(withoutDamage(seen))
    const records = withoutDamage(seen).filter((line) => !line.startsWith('dropped')).length
    // Word of dropped records is no record.
    expect(stage.delivery.stats).toMatchObject({ accepted: records, delivered: records, dropped: 0 })
    expect(stage.delivery.done).toBe(position)
  })

  test('every batch can be read by itself: a file may begin with any of them', async () => {
    const { seen, batches } = await rewrite(all, (n) => n % 2 === 0)
    expect(batches.flatMap((batch) => readAll([batch]))).toEqual(withoutDamage(seen))
  })

  test('after lost bytes the ids are unknown, in the copy as well', async () => {
    const { seen, batches } = await rewrite([torn], () => false)
    expect(seen.map((line) => line.split(' ')[0])).toEqual([
      '0000000000000009-0',
      expect.stringMatching(/^bad_length$/),
      expect.stringMatching(/^[0-9a-f]{8}-65e0a1\.1f-5$/),
      expect.stringMatching(/^[0-9a-f]{8}-65e0a1\.1f-6$/),
      'dropped',
      '0000000000000009-8',
    ])
    expect(readAll([Buffer.concat(batches)])).toEqual(withoutDamage(seen))
  })

  test('whatever comes from whom', async () => {
    const frame = fc.oneof(
      { weight: 6, arbitrary: fc.constant('log') },
      { weight: 1, arbitrary: fc.constant('dropped') },
      { weight: 1, arbitrary: fc.constant('jump') },
    )
    const stream = fc.record({
      protocol: fc.constantFrom(1 as const, 2 as const),
      frames: fc.array(frame, { maxLength: 12 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(stream, { maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        async (sources, every) => {
          const streams = sources.map(({ protocol, frames }, n) => {
            let sequence = n * 1000
            const head =
              protocol === 1 ? [hello(1, `s${n}`)] : [hello(2, `s${n}`), ring(BigInt(n), BigInt(sequence))]
            const rest = frames.map((kind) => {
              if (protocol === 1 || kind === 'log') return log(sequence++, protocol)
              sequence += kind === 'jump' ? 10 : 3
              return kind === 'jump' ? ring(BigInt(n), BigInt(sequence)) : dropped(BigInt(sequence - 3), 3n)
            })
            return Buffer.concat([...head, ...rest])
          })
          const { seen, batches } = await rewrite(streams, (n) => n % every === 0)
          expect(readAll([Buffer.concat(batches)])).toEqual(seen)
        },
      ),
      { numRuns: 100 },
    )
  })
})

test('a dump that is rotated and opened anew stays readable, each file by itself', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pgturret-dump-'))
  try {
    const path = join(folder, 'x.febe')
    const exporter = file.create(file.options.parse({ path, maxSize: '3kB' }), {
      userAgent: '',
      format: 'febe',
    })
    const records = Array.from({ length: 60 }, (_, i) => log(i))
    const { seen, batches } = await rewrite(
      [Buffer.concat([hello(2), ring(7n, 0n), ...records])],
      (n) => n % 4 === 0,
    )
    const signal = new AbortController().signal
    for (const [n, bytes] of batches.entries()) {
      if (n === 2) await exporter.reopen?.()
      await exporter.send({ records: 1, bytes, ends: Uint32Array.of(bytes.length) }, signal)
    }
    await exporter.close?.()
    const files = readdirSync(folder).sort()
    const rotated = files.filter((name) => name !== 'x.febe')
    expect(existsSync(path)).toBe(true)
    expect(readAll([...rotated, 'x.febe'].map((name) => readFileSync(join(folder, name))))).toEqual(seen)
    // Opened again by the next process: nothing is put between the frames.
    const next = file.create(file.options.parse({ path }), { userAgent: '', format: 'febe' })
    await next.send({ records: 1, bytes: batches[0]!, ends: Uint32Array.of(batches[0]!.length) }, signal)
    await next.close?.()
    expect(readAll([readFileSync(path)]).filter((line) => line.includes(' at '))).toEqual([])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
