import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEFAULT_MAX_FRAME_BYTES } from '../../src/codec/frame.ts'
import { mendDump } from '../../src/ingest/dump.ts'
import { hello, logs } from './frames.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-mend-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const whole = Buffer.concat([hello(), logs(1, 3)])
const mend = (path: string) => mendDump(path, DEFAULT_MAX_FRAME_BYTES)

test('a frame that is cut anywhere is cut off, and nothing else', async () => {
  const path = join(folder, 'torn.febe')
  const next = logs(4, 4)
  for (let cut = 1; cut < next.length; cut++) {
    writeFileSync(path, Buffer.concat([whole, next.subarray(0, cut)]))
    expect(await mend(path)).toBe(cut)
    expect(readFileSync(path).equals(whole)).toBe(true)
  }
})

test('a whole dump, an empty one, none, and one that is damaged otherwise are left alone', async () => {
  const path = join(folder, 'other.febe')
  for (const contents of [whole, Buffer.alloc(0), Buffer.concat([whole, Buffer.from([0x4c, 0, 0, 0, 1])])]) {
    writeFileSync(path, contents)
    expect(await mend(path)).toBe(0)
    expect(statSync(path).size).toBe(contents.length)
  }
  expect(await mend(join(folder, 'missing.febe'))).toBe(0)
})
