import { describe, expect, test } from 'bun:test'
import { crc32c, Reader, readRecordsBatches } from '@platformatic/kafka'
import { COMPRESSIONS, codecOf } from '../../src/kafka/compression.ts'
import { Piece } from '../../src/kafka/pieces.ts'
import { Envelopes } from '../../src/kafka/record-batch.ts'
import { Scratch } from '../../src/kafka/scratch.ts'
import { dumpOf, envelopesOf, FIRST_MICROS, logs, optionsOf } from './envelopes.ts'

/** Record batches as another reader of the format reads them. */

async function batchOf(flags: Record<string, unknown>, records = logs(50), identity?: string) {
  const options = optionsOf('kafka://broker/topic', flags)
  const batch = envelopesOf(options, dumpOf(records, identity))
  const from = new Envelopes(batch, options.records === 'json' ? 1 : 0)
  const indexes = Array.from({ length: batch.records }, (_, i) => i)
  const piece = new Piece('topic', 0, indexes)
  await piece.pack(from, await codecOf(options.compression))
  const bytes = piece.stamped(from, { producerId: 77n, epoch: 3, sequence: 1234 }, new Scratch())
  const read = readRecordsBatches(Reader.from(Buffer.from(bytes)))
  expect(read).toHaveLength(1)
  return read[0]!
}

const textOf = (bytes: Buffer | null): string | undefined => bytes?.toString()

describe('a record batch', () => {
  for (const compression of COMPRESSIONS) {
    test(`packed with ${compression} holds every record`, async () => {
      const batch = await batchOf({ compression })
      expect(batch.records).toHaveLength(50)
      expect(batch.attributes & 7).toBe(COMPRESSIONS.indexOf(compression))
      expect(batch.records.map(({ offsetDelta }) => offsetDelta)).toEqual([...Array(50).keys()])
      const messages = batch.records.map(({ value }) => JSON.parse(textOf(value)!).message)
      expect(messages).toEqual(logs(50).map(({ ErrMessage }) => ErrMessage as string))
    })
  }

  test('says who sends it', async () => {
    const { producerId, producerEpoch, firstSequence, magic } = await batchOf({})
    expect({ producerId, producerEpoch, firstSequence, magic }).toEqual({
      producerId: 77n,
      producerEpoch: 3,
      firstSequence: 1234,
      magic: 2,
    })
  })

  test('has the times of the events', async () => {
    const { firstTimestamp, maxTimestamp, records } = await batchOf({})
    const first = FIRST_MICROS / 1000n
    expect([firstTimestamp, maxTimestamp]).toEqual([first, first + 49n])
    expect(records.map(({ timestampDelta }) => timestampDelta)).toEqual([...Array(50).keys()].map(BigInt))
  })

  test('has times that go backwards', async () => {
    const records = logs(3).map((one, n) => ({
      ...one,
      TimeMicros: FIRST_MICROS - BigInt(n) * 86_400_000_000n,
    }))
    const batch = await batchOf({}, records)
    expect(batch.maxTimestamp).toBe(FIRST_MICROS / 1000n)
    expect(batch.records.map(({ timestampDelta }) => timestampDelta)).toEqual([
      0n,
      -86_400_000n,
      -172_800_000n,
    ])
  })

  test('has the headers of each record', async () => {
    const trace = "SELECT 1 /* traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' */"
    const [one, two] = [...logs(2), ...logs(1)].map((log, n) =>
      n === 1 ? { ...log, UserQuery: trace } : log,
    )
    const { records } = await batchOf({}, [one!, two!])
    const headers = records.map((record) =>
      Object.fromEntries(record.headers.map(([name, value]) => [textOf(name)!, textOf(value)])),
    )
    expect(headers[0]).toEqual({
      schema: '1',
      'content-type': 'application/json',
      identity: 'shop-db-1',
      severity: 'ERROR',
      uid: '1122334455667788-1',
      sqlstate: '23505',
    })
    expect(headers[1]!['traceparent']).toBe('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')
  })

  test('has an identity of any length in its headers', async () => {
    const identity = 'é'.repeat(1000)
    const { records } = await batchOf({}, logs(1), identity)
    const found = records[0]!.headers.find(([name]) => textOf(name) === 'identity')
    expect(textOf(found![1])).toBe(identity)
  })

  for (const [partitionBy, expected] of [
    ['session', '69a43c00.0'],
    ['identity', 'shop-db-1'],
    ['database', 'shop'],
    ['none', undefined],
  ] as const) {
    test(`has the ${partitionBy} for its key`, async () => {
      const { records } = await batchOf({ partitionBy })
      expect(textOf(records[0]!.key)).toBe(expected)
    })
  }

  test('has no key where there is no database', async () => {
    const { records } = await batchOf({ partitionBy: 'database' }, logs(1, { DatabaseName: null }))
    expect(records[0]!.key).toBeNull()
  })

  test('is checked by its CRC', async () => {
    const options = optionsOf('kafka://broker/topic')
    const from = new Envelopes(envelopesOf(options, dumpOf(logs(2))), 1)
    const piece = new Piece('topic', 0, [0, 1])
    const bytes = piece.stamped(from, { producerId: 1n, epoch: 0, sequence: 0 }, new Scratch())
    expect(bytes.readUInt32BE(17)).toBe(crc32c(bytes.subarray(21)))
  })

  for (const compression of ['none', 'lz4'] as const) {
    test(`is the same when it is sent again, whatever was written in between (${compression})`, async () => {
      const options = optionsOf('kafka://broker/topic', { compression })
      const from = new Envelopes(envelopesOf(options, dumpOf(logs(6))), 1)
      const [one, other] = [new Piece('topic', 0, [0, 2, 4]), new Piece('topic', 1, [1, 3, 5])]
      const codec = await codecOf(compression)
      for (const piece of [one, other]) await piece.pack(from, codec)
      const scratch = new Scratch()
      const stamp = { producerId: 5n, epoch: 1, sequence: 2 }
      const first = one.stamped(from, stamp, scratch)
      const sent = Buffer.from(first)
      const beside = Buffer.from(other.stamped(from, stamp, scratch))
      expect(first).toEqual(sent)
      scratch.clear()
      expect(other.stamped(from, stamp, scratch)).toEqual(beside)
      scratch.clear()
      expect(one.stamped(from, stamp, scratch)).toEqual(sent)
    })
  }
})
