import { afterEach, beforeEach, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { appendLines } from '../../src/deadletter/append.ts'
import { parseLetter } from '../../src/deadletter/letter.ts'
import { letterFiles, seal } from '../../src/deadletter/letter-files.ts'
import { readLetters } from '../../src/deadletter/read-letters.ts'
import { removeLetters, sweep } from '../../src/deadletter/remove-letters.ts'

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-append-'))
  path = join(folder, 'orders.ndjson')
})
afterEach(() => rmSync(folder, { recursive: true }))

const about = (n: number): string =>
  `${JSON.stringify({ time: 't', exporter: 'orders', type: 'http', reason: 'no', attempts: 1, position: n })}\n`
const bytes = (text: string): Uint8Array => Buffer.from(text)
const positionsIn = (text: string): number[] =>
  text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).position as number]))

test('an unfinished line is ended, a finished one is left alone', async () => {
  writeFileSync(path, 'a\nb')
  await appendLines(path, bytes('c\n'))
  await appendLines(path, bytes('d\n'))
  expect(readFileSync(path, 'utf8')).toBe('a\nb\nc\nd\n')
})

test('who seals a file and reads it misses nothing, however it meets with who appends', async () => {
  const seen = new Set<number>()
  const read = (text: string) => {
    // Of a line that is just being written only a part is seen.
    for (const line of text.split('\n')) seen.add(parseLetter(line)?.position ?? -1)
  }
  let moves = 0
  for (let n = 0; n < 300; n++) {
    const appended = appendLines(path, bytes(about(n)))
    // One after so many steps of what is appended as is different each time.
    for (let steps = n % 30; steps > 0; steps--) await new Promise(setImmediate)
    const sealed = await seal(path, 0)
    if (sealed !== undefined) {
      // What is appended to it from now on is not looked at: it has to come again elsewhere.
      read(readFileSync(sealed, 'utf8'))
      rmSync(sealed)
      moves++
    }
    await appended
  }
  if (existsSync(path)) read(readFileSync(path, 'utf8'))
  expect(Array.from({ length: 300 }, (_, n) => n).filter((n) => !seen.has(n))).toEqual([])
  expect(moves).toBeGreaterThan(30)
})

test('no two files are sealed under one name, and they are found oldest first', async () => {
  for (let n = 0; n < 20; n++) {
    await appendLines(path, bytes(about(n)))
    await seal(path, 1000 + n)
  }
  await appendLines(path, bytes(about(20)))
  writeFileSync(join(folder, 'archive.ndjson'), about(0))
  writeFileSync(join(folder, 'orders.ndjson.tmp'), about(0))
  writeFileSync(join(folder, 'replay.lock'), '')
  const files = await letterFiles(folder, 'orders')
  const read = files.map((file) => positionsIn(readFileSync(file.path, 'utf8'))[0])
  expect(read).toEqual(Array.from({ length: 21 }, (_, n) => n))
  expect(files.map(({ sealed }) => sealed)).toEqual([...Array(20).fill(true), false])
  expect(await seal(join(folder, 'nothing.ndjson'), 0)).toBeUndefined()
  expect(await letterFiles(join(folder, 'nothing'))).toEqual([])
})

test('letters are removed, everything else stays as it is', async () => {
  writeFileSync(path, `${about(1)}{"torn\n\n${about(2)}${about(1)}${about(3).trimEnd()}`, { mode: 0o640 })
  await removeLetters(path, new Set(['orders @1']))
  expect(readFileSync(path, 'utf8')).toBe(`{"torn\n${about(2)}${about(3)}`)
  const passedOver = { unreadable: 0, repeated: 0 }
  const left = await Array.fromAsync(readLetters(await letterFiles(folder), passedOver))
  expect(left.map(({ position }) => position)).toEqual([2, 3])
  expect(passedOver).toEqual({ unreadable: 1, repeated: 0 })
})

test('a file without a letter is gone, and one that is gone stays so', async () => {
  writeFileSync(path, about(1))
  await removeLetters(path, new Set(['orders @1']))
  await removeLetters(path, new Set(['orders @1']))
  expect(readdirSync(folder)).toEqual([])
})

test('what a process left that was killed while it removed is swept away', async () => {
  writeFileSync(path, about(1))
  writeFileSync(`${path}.tmp`, 'half of')
  await sweep(folder)
  expect(readdirSync(folder)).toEqual(['orders.ndjson'])
})

test('letters are read across chunks, one for each record, and not the torn one', async () => {
  const long = about(0).replace('"no"', JSON.stringify('ä'.repeat(400_000)))
  writeFileSync(path, `${long}${about(1)}${about(1)}{"time":`)
  const passedOver = { unreadable: 0, repeated: 0 }
  const files = [...(await letterFiles(folder)), { ...(await letterFiles(folder))[0]!, path: `${path}.gone` }]
  const letters = await Array.fromAsync(readLetters(files, passedOver))
  expect(letters.map(({ reason }) => reason.length)).toEqual([400_000, 2])
  expect(passedOver).toEqual({ unreadable: 1, repeated: 1 })
})
