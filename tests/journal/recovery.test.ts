import { describe, expect, test } from 'bun:test'
import { recover } from '../../src/journal/recovery.ts'
import { encodeHead } from '../../src/journal/segment-writer.ts'
import { segmentName } from '../../src/journal/segments.ts'
import { sourceOf } from '../record/records.ts'
import { blockOf, blocksOf, segmentOf, sent } from './blocks.ts'
import { SimulatedDisk } from './simulated-disk.ts'
import { FOLDER } from './stage.ts'

const pathOf = (first: number): string => `${FOLDER}/${segmentName(first)}`

async function recovered(files: Readonly<Record<string, Uint8Array>>, prepare = (_: SimulatedDisk) => {}) {
  const disk = new SimulatedDisk()
  for (const [path, contents] of Object.entries(files)) disk.put(path, contents)
  prepare(disk)
  const reports: string[] = []
  const found = await recover(disk.mount(), FOLDER, (message) => reports.push(message))
  const rings = found.rings.map(({ source, sequence }) => `${source.bootId}:${sequence}`)
  return { disk, reports, ...found, rings }
}

const three = blocksOf([2, 1, 2])
const whole = segmentOf(three)
const endOf = (count: number): number => segmentOf(three.slice(0, count)).length

describe('what a killed process leaves', () => {
  test('nothing at all', async () => {
    const { segments, end, current, reports } = await recovered({})
    expect({ segments, end, current, reports }).toEqual({
      segments: [],
      end: 0,
      current: undefined,
      reports: [],
    })
  })

  test('a whole segment is gone on with', async () => {
    const found = await recovered({ [pathOf(0)]: whole })
    expect(found).toMatchObject({ end: 5, cutBytes: 0, reports: [], rings: ['7:4'] })
    expect(found.current?.path).toBe(pathOf(0))
  })

  test('an unfinished write is cut off, wherever it ended, and reported', async () => {
    for (let cut = endOf(1) + 1; cut < whole.length; cut++) {
      const good = cut < endOf(2) ? 1 : 2
      const { end, cutBytes, disk, reports, rings, current } = await recovered({
        [pathOf(0)]: whole.subarray(0, cut),
      })
      const bytes = cut - endOf(good)
      const position = good === 1 ? 2 : 3
      expect({ end, cutBytes, rings }).toEqual({
        end: position,
        cutBytes: bytes,
        rings: [`7:${position - 1}`],
      })
      expect(disk.file(pathOf(0))?.contents.length).toBe(endOf(good))
      expect(reports).toEqual(bytes === 0 ? [] : ['cut an unfinished write off the end of the journal'])
      expect(current?.bytes).toBe(endOf(good))
    }
  })

  test('what was written and not synced is synced before it is called safe', async () => {
    const { disk } = await recovered({ [pathOf(0)]: whole }, (before) => {
      before.file(pathOf(0))!.write(blocksOf([1], 5)[0]!.bytes, whole.length)
    })
    disk.cutPower(() => 0)
    expect((await recover(disk.mount(), FOLDER, () => undefined)).end).toBe(6)
  })

  test('an empty file is removed, and the one before it counts', async () => {
    const found = await recovered({ [pathOf(0)]: whole, [pathOf(5)]: new Uint8Array(0) })
    expect(found).toMatchObject({ end: 5, reports: [] })
    expect(found.disk.paths(FOLDER)).toEqual([pathOf(0)])
  })
})

describe('what damage leaves', () => {
  test('in the middle of the last segment: the rest of it counts, a new one begins', async () => {
    const bytes = Uint8Array.from(whole)
    bytes[endOf(1) + 50]! ^= 4
    const found = await recovered({ [pathOf(0)]: bytes })
    expect(found).toMatchObject({
      end: 5,
      cutBytes: 0,
      current: undefined,
      reports: ['a journal segment is damaged; the rest of it is good'],
    })
    expect(found.segments).toHaveLength(1)
  })

  test('a ring is believed no farther than to where something of it may be missing', async () => {
    const bytes = segmentOf([
      blockOf(sent(0, 1, 7n), 0),
      blockOf(sent(2, 2, 7n), 2),
      blockOf(Buffer.concat([sent(3, 3, 7n), sent(0, 1, 8n)]), 3),
    ])
    const middle = segmentOf([blockOf(sent(0, 1, 7n), 0)]).length
    const damaged = Uint8Array.from(bytes)
    damaged[middle + 70]! ^= 1
    expect((await recovered({ [pathOf(0)]: bytes })).rings).toEqual(['7:3', '8:1'])
    expect((await recovered({ [pathOf(0)]: damaged })).rings).toEqual(['7:1', '8:1'])
  })

  test('at the end: positions that were given are not given again', async () => {
    const bytes = Uint8Array.from(whole)
    bytes[endOf(2) + 50]! ^= 4
    expect(await recovered({ [pathOf(0)]: bytes })).toMatchObject({
      end: 5,
      current: undefined,
      rings: ['7:2'],
    })
  })

  test('a damaged block in front of an unfinished write is cut off with it, but its positions are not given again', async () => {
    const bytes = Uint8Array.from(whole.subarray(0, endOf(2) + 60))
    bytes[endOf(1) + 50]! ^= 4
    const found = await recovered({ [pathOf(0)]: bytes })
    expect(found).toMatchObject({ end: 3, current: undefined, cutBytes: bytes.length - endOf(1) })
  })

  test('a file in which nothing makes sense is kept under another name', async () => {
    const found = await recovered({ [pathOf(0)]: whole, [pathOf(5)]: Buffer.from('garbage') })
    expect(found.end).toBe(5)
    expect(found.current?.path).toBe(pathOf(0))
    expect(found.disk.paths(FOLDER)).toEqual([pathOf(0), `${pathOf(5)}.damaged`])
    expect(found.reports).toEqual(['a journal segment cannot be read; it is kept under another name'])
  })

  test('a name is not believed without contents: no position is given away for it', async () => {
    const found = await recovered({ [pathOf(0)]: whole, [pathOf(9_000_000_000_000_000)]: Buffer.from('x') })
    expect(found.end).toBe(5)
  })

  test('where nothing else is left, a name says which positions were given', async () => {
    expect((await recovered({ [pathOf(700)]: Buffer.from('garbage') })).end).toBe(700)
    expect((await recovered({ [pathOf(700)]: new Uint8Array(0) })).end).toBe(700)
  })

  test('a file of which only the end makes sense keeps its positions', async () => {
    const bytes = Uint8Array.from(blocksOf([3], 5)[0]!.bytes)
    bytes[30]! ^= 1
    expect((await recovered({ [pathOf(0)]: whole, [pathOf(5)]: bytes })).end).toBe(8)
  })

  test('where the head is damaged the segments before say how far rings had come', async () => {
    const head = encodeHead([{ source: sourceOf({ bootId: 7n }), sequence: 4n }], 5, 0)
    const bytes = Buffer.concat([head, blockOf(sent(20, 21, 9n), 5).bytes])
    const files = { [pathOf(0)]: whole, [pathOf(5)]: bytes }
    expect((await recovered(files)).rings).toEqual(['7:4', '9:21'])
    bytes[10]! ^= 1
    expect((await recovered(files)).rings).toEqual(['7:4', '9:21'])
  })

  test('what cannot be read is damage', async () => {
    const first = segmentOf(blocksOf([20, 20]))
    const long = Buffer.concat([first, segmentOf(blocksOf([20], 40))])
    const { end, reports } = await recovered({ [pathOf(0)]: long }, (disk) => {
      disk.badBytes.set(pathOf(0), [4096, 4097])
    })
    expect(end).toBe(60)
    expect(reports).toEqual(['a journal segment is damaged; the rest of it is good'])
  })

  test('a segment that cannot be opened is kept under another name', async () => {
    const found = await recovered({ [pathOf(0)]: whole }, (disk) => {
      disk.failures.set('open', { times: 1, code: 'EACCES' })
    })
    expect(found.disk.paths(FOLDER)).toEqual([`${pathOf(0)}.damaged`])
  })

  test('a segment that cannot be cut any more is left alone', async () => {
    const found = await recovered({ [pathOf(0)]: whole.subarray(0, whole.length - 1) }, (disk) => {
      disk.failures.set('truncate', { times: 1, code: 'EIO' })
    })
    expect(found).toMatchObject({ end: 3, current: undefined })
    expect(found.segments[0]?.bytes).toBe(endOf(2))
  })

  test('other files are left alone', async () => {
    const found = await recovered({ [`${FOLDER}/notes.txt`]: Buffer.from('x'), [`${FOLDER}/1.febe`]: whole })
    expect(found.segments).toEqual([])
    expect(found.disk.paths(FOLDER)).toHaveLength(2)
  })
})
