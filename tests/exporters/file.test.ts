import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BlockedError, classify, RetryableError } from '../../src/errors.ts'
import type { ExporterContext } from '../../src/exporter.ts'
import file from '../../src/exporters/file.ts'
import { batchOf, calm, failureOf } from './batches.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-file-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const line = (n: number): string => `{"timestamp":"2026-03-01 12:00:00.001 UTC","n":${n}}`
const lines = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => line(from + i))
const textOf = (all: readonly string[]): string => all.map((one) => `${one}\n`).join('')

function exporterTo(
  path: string,
  flags: Record<string, string> = {},
  format: ExporterContext['format'] = 'json',
) {
  const url = pathToFileURL(path).href
  const options = file.options.parse({ ...flags, ...file.fromUrl!(new URL(url), url) })
  return file.create(options, { userAgent: 'pgturret/test', format })
}

async function write(path: string, records: readonly string[], flags: Record<string, string> = {}) {
  const exporter = exporterTo(path, flags)
  await exporter.send(batchOf(records), calm)
  await exporter.close?.()
}

describe('a file', () => {
  test('is appended to', async () => {
    const path = join(folder, 'append')
    await write(path, lines(1, 3))
    await write(path, lines(4, 5))
    expect(readFileSync(path, 'utf8')).toBe(textOf(lines(1, 5)))
  })

  test('has the permissions that were asked for, whatever the umask', async () => {
    const before = process.umask(0o077)
    await write(join(folder, 'mode'), lines(1, 1), { mode: '0644' })
    process.umask(before)
    expect(statSync(join(folder, 'mode')).mode & 0o777).toBe(0o644)
  })

  test('that was moved away is made anew on reopen', async () => {
    const path = join(folder, 'moved')
    const exporter = exporterTo(path)
    await exporter.send(batchOf(lines(1, 1)), calm)
    renameSync(path, `${path}.1`)
    await exporter.reopen?.()
    await exporter.send(batchOf(lines(2, 2)), calm)
    await exporter.close?.()
    expect([readFileSync(`${path}.1`, 'utf8'), readFileSync(path, 'utf8')]).toEqual([
      textOf(lines(1, 1)),
      textOf(lines(2, 2)),
    ])
  })

  test('can be closed twice', async () => {
    const exporter = exporterTo(join(folder, 'twice'))
    await exporter.send(batchOf(lines(1, 1)), calm)
    await exporter.close?.()
    await exporter.close?.()
  })
})

describe('a last line without its end', () => {
  test('of ours is cut off, wherever it was torn: its sender sends it again', async () => {
    const path = join(folder, 'torn')
    for (let cut = 1; cut <= line(4).length; cut++) {
      writeFileSync(path, textOf(lines(1, 3)) + line(4).slice(0, cut))
      await write(path, lines(4, 4))
      expect(readFileSync(path, 'utf8')).toBe(textOf(lines(1, 4)))
    }
  })

  test('of ours is found however long it is', async () => {
    const path = join(folder, 'long')
    writeFileSync(path, `${textOf(lines(1, 1))}{"timestamp":"${'x'.repeat(300_000)}`)
    await write(path, lines(2, 2))
    expect(readFileSync(path, 'utf8')).toBe(textOf(lines(1, 2)))
  })

  test('of somebody else is ended, not cut', async () => {
    const path = join(folder, 'foreign')
    writeFileSync(path, 'not ours')
    await write(path, lines(1, 1))
    expect(readFileSync(path, 'utf8')).toBe(`not ours\n${textOf(lines(1, 1))}`)
  })
})

describe('rotation', () => {
  const rotatedIn = (where: string, name: string): string[] =>
    readdirSync(where)
      .filter((one) => one.startsWith(`${name}.`))
      .sort()

  test('begins a new file before the old one grows too large, and loses nothing', async () => {
    const path = join(folder, 'rotate', 'pg')
    mkdirSync(join(folder, 'rotate'))
    const exporter = exporterTo(path, { maxSize: '500' })
    for (let n = 1; n <= 50; n++) await exporter.send(batchOf(lines(n, n)), calm)
    await exporter.close?.()
    const names = [...rotatedIn(join(folder, 'rotate'), 'pg'), 'pg']
    expect(names.length).toBeGreaterThan(3)
    const texts = names.map((name) => readFileSync(join(folder, 'rotate', name), 'utf8'))
    for (const text of texts) expect(text.length).toBeLessThanOrEqual(500)
    expect(texts.join('').split('\n').filter(Boolean).sort()).toEqual(lines(1, 50).sort())
  })

  test('keeps as many as it is told, and nothing of others is deleted', async () => {
    const where = join(folder, 'keep')
    mkdirSync(where)
    writeFileSync(join(where, 'pg.old'), 'mine')
    const exporter = exporterTo(join(where, 'pg'), { maxSize: '100', keep: '2' })
    for (let n = 1; n <= 20; n++) await exporter.send(batchOf(lines(n, n)), calm)
    await exporter.close?.()
    expect(rotatedIn(where, 'pg').filter((name) => name !== 'pg.old')).toHaveLength(2)
    expect(readFileSync(join(where, 'pg.old'), 'utf8')).toBe('mine')
    expect(readFileSync(join(where, 'pg'), 'utf8')).toContain(line(20))
  })
})

describe('trouble', () => {
  const isRoot = process.getuid?.() === 0

  test.skipIf(!isRoot)(
    'a full disk: no line is torn or twice, and it goes on when there is room',
    async () => {
      const disk = join(folder, 'disk')
      mkdirSync(disk)
      expect(Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).exitCode).toBe(0)
      try {
        writeFileSync(join(disk, 'ballast'), Buffer.alloc(48 * 1024))
        const path = join(disk, 'pg')
        const exporter = exporterTo(path)
        await exporter.send(batchOf(lines(1, 10)), calm)
        const error = await failureOf(exporter.send(batchOf(lines(11, 1000)), calm))
        expect(classify(error)).toBeInstanceOf(RetryableError)
        expect(readFileSync(path, 'utf8')).toBe(textOf(lines(1, 10)))
        rmSync(join(disk, 'ballast'))
        await exporter.send(batchOf(lines(11, 500)), calm)
        await exporter.close?.()
        expect(readFileSync(path, 'utf8')).toBe(textOf(lines(1, 500)))
      } finally {
        Bun.spawnSync(['umount', disk])
      }
    },
  )

  test('a folder that goes away: records are held', async () => {
    const where = join(folder, 'gone')
    mkdirSync(where)
    const exporter = exporterTo(join(where, 'pg'))
    rmSync(where, { recursive: true })
    const error = classify(await failureOf(exporter.send(batchOf(lines(1, 1)), calm)))
    expect(error).toBeInstanceOf(BlockedError)
    mkdirSync(where)
    await exporter.send(batchOf(lines(1, 1)), calm)
    await exporter.close?.()
    expect(readFileSync(join(where, 'pg'), 'utf8')).toBe(textOf(lines(1, 1)))
  })

  test('what can be seen at start is said at start', () => {
    const problemOf = (path: string) => {
      const url = pathToFileURL(path).href
      return file.problem!(file.options.parse(file.fromUrl!(new URL(url), url)))
    }
    expect(problemOf('/nonexistent/folder/pg')).toContain('"/nonexistent/folder" does not exist')
    expect(problemOf(folder)).toContain('is a folder')
    expect(problemOf(join(folder, 'new'))).toBeUndefined()
  })
})

describe('its URL', () => {
  const pathOf = (text: string): unknown => file.fromUrl!(new URL(text), text)['path']

  test.each([
    ['file:///var/log/pg.ndjson', '/var/log/pg.ndjson'],
    ['file://localhost/var/log/pg.ndjson', '/var/log/pg.ndjson'],
    ['file:///var/log/a%20b.ndjson', '/var/log/a b.ndjson'],
    ['file:pg.ndjson', join(process.cwd(), 'pg.ndjson')],
    ['file://./logs/pg.ndjson', join(process.cwd(), 'logs/pg.ndjson')],
  ])('%s', (text, path) => {
    expect(pathOf(text)).toBe(path)
  })

  test.each([
    ['file://var/log/pg.ndjson', 'file:///var/log/pg.ndjson'],
    ['file:///var/log/', 'the path of a file'],
    ['file:///x?y=1', 'takes no query'],
  ])('%s is refused', (text, message) => {
    expect(() => pathOf(text)).toThrow(message)
  })
})
