import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { classify, RetryableError } from '../../src/errors.ts'
import type { Exporter, ExporterContext } from '../../src/exporter.ts'
import file from '../../src/exporters/file.ts'
import { waitUntil } from '../support/wait-until.ts'
import { batchOf, calm, failureOf, numbered } from './batches.ts'
import { conformance, type Harness, noServer, type Received } from './conformance.ts'

let folder: string
let open: Exporter[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-file-'))
})

afterEach(async () => {
  for (const exporter of open) await exporter.close?.()
  open = []
  rmSync(folder, { recursive: true, force: true })
})

const at = (name: string): string => join(folder, name)
const textOf = (name: string): string => readFileSync(at(name), 'utf8')

function exporterTo(
  path: string,
  flags: Record<string, unknown> = {},
  format: ExporterContext['format'] = 'json',
): Exporter {
  const options = file.options.parse({ ...flags, path })
  const exporter = file.create(options, { userAgent: '', format })
  open.push(exporter)
  return exporter
}

const write = (exporter: Exporter, ...lines: string[]) => exporter.send(batchOf(lines), calm)

/** A file in a folder of its own. */
function fileHarness(): Harness {
  const own = mkdtempSync(join(tmpdir(), 'pgturret-file-'))
  const path = join(own, 'records.ndjson')
  return {
    target: () => ({ to: `file://${path}` }),
    received: () => {
      const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
      return lines.map((line) => JSON.parse(line) as Received)
    },
    stop: async () => rmSync(own, { recursive: true, force: true }),
  }
}

conformance({
  exporter: 'file',
  start: async () => fileHarness(),
  skips: {
    ...noServer(),
    'told to stop, it stops': 'writing to a file is not waited for; pipes have a test below',
  },
})

describe('appending', () => {
  test('makes the file and adds to it, over several lives', async () => {
    const first = exporterTo(at('x'))
    await write(first, 'a', 'b')
    await write(first, 'c')
    await first.close?.()
    await write(exporterTo(at('x')), 'd')
    expect(textOf('x')).toBe('a\nb\nc\nd\n')
  })

  test.each(['0600', '0640', '0666'])('a new file has mode %s, whatever the umask', async (mode) => {
    const umask = process.umask(0o077)
    try {
      await write(exporterTo(at('x'), { mode }), 'a')
    } finally {
      process.umask(umask)
    }
    expect((statSync(at('x')).mode & 0o777).toString(8)).toBe(mode.slice(1))
  })

  test('an old file keeps its mode', async () => {
    writeFileSync(at('x'), '', { mode: 0o604 })
    await write(exporterTo(at('x')), 'a')
    expect((statSync(at('x')).mode & 0o777).toString(8)).toBe('604')
  })

  test('to a file that somebody else cuts', async () => {
    const exporter = exporterTo(at('x'))
    await write(exporter, ...numbered(100))
    truncateSync(at('x'))
    await write(exporter, 'a')
    expect(textOf('x')).toBe('a\n')
  })
})

describe('a last line without its end', () => {
  const mended = async (before: string, format: ExporterContext['format'] = 'json') => {
    writeFileSync(at('x'), before)
    await write(exporterTo(at('x'), {}, format), 'new')
    return textOf('x')
  }
  const own = '{"timestamp":"2026-03-01 12:00:00.001 UTC","message":"hal'

  test('is cut off when it is ours, wherever it was torn', async () => {
    for (let length = 1; length <= own.length; length++) {
      expect(await mended(`whole\n${own.slice(0, length)}`)).toBe('whole\nnew\n')
      rmSync(at('x'))
      expect(await mended(own.slice(0, length))).toBe('new\n')
      rmSync(at('x'))
    }
  })

  test('also when it is longer than what is read at once', async () => {
    expect(await mended(`whole\n${own}${'x'.repeat(300_000)}`)).toBe('whole\nnew\n')
    rmSync(at('x'))
    expect(await mended(`${own}${'x'.repeat(300_000)}`)).toBe('new\n')
    rmSync(at('x'))
    // The line end stands at the border of what is read at once.
    for (const length of [65_535, 65_536, 65_537]) {
      expect(await mended(`whole\n${own.padEnd(length, 'x')}`)).toBe('whole\nnew\n')
      rmSync(at('x'))
    }
  })

  test('is ended when it is not', async () => {
    expect(await mended('whole\n{"time":"x"')).toBe('whole\n{"time":"x"\nnew\n')
    rmSync(at('x'))
    expect(await mended('notes')).toBe('notes\nnew\n')
  })

  test('is told by the format', async () => {
    expect(await mended('whole\nLogTime="2026', 'prototext')).toBe('whole\nnew\n')
    rmSync(at('x'))
    expect(await mended('whole\nLogTime="2026', 'json')).toBe('whole\nLogTime="2026\nnew\n')
    rmSync(at('x'))
    expect(await mended(own, 'pretty')).toBe(`${own}\nnew\n`)
  })

  test('is no line in a dump', async () => {
    expect(await mended('V\0\0\0', 'febe')).toBe('V\0\0\0new\n')
  })

  test('that has its end is left alone', async () => {
    expect(await mended(`${own}\n`)).toBe(`${own}\nnew\n`)
    rmSync(at('x'))
    expect(await mended('')).toBe('new\n')
  })
})

describe('rotation', () => {
  const rotated = () =>
    readdirSync(folder)
      .filter((name) => name.startsWith('x.'))
      .sort(new Intl.Collator('en', { numeric: true }).compare)

  test('by size: no file is larger, nothing is lost, in order', async () => {
    const exporter = exporterTo(at('x'), { maxSize: '100B' })
    const lines = Array.from({ length: 200 }, (_, n) => `line ${n} ${'.'.repeat(n % 30)}`)
    for (let n = 0; n < lines.length; n += 2) await write(exporter, ...lines.slice(n, n + 2))
    const files = [...rotated(), 'x']
    expect(files.length).toBeGreaterThan(20)
    for (const name of files) expect(textOf(name).length).toBeLessThanOrEqual(100)
    expect(files.map(textOf).join('')).toBe(`${lines.join('\n')}\n`)
    for (const name of rotated()) expect(name).toMatch(/^x\.\d{8}T\d{9}Z(-\d+)?$/)
  })

  test('a batch that is larger than a file may be goes into one of its own', async () => {
    const exporter = exporterTo(at('x'), { maxSize: '10B' })
    await write(exporter, 'a')
    await write(exporter, 'b'.repeat(50))
    await write(exporter, 'c')
    expect([...rotated(), 'x'].map((name) => textOf(name).length)).toEqual([2, 51, 2])
  })

  test('the oldest beyond those that are kept are deleted, and nothing else', async () => {
    const others = ['x.1', 'x.20260301', 'x.20260301T000000000Z.bz2', 'y.20200101T000000000Z', 'x-20200101']
    for (const name of others) writeFileSync(at(name), 'kept')
    writeFileSync(at('x.20200101T000000000Z'), 'old')
    const exporter = exporterTo(at('x'), { maxSize: '10B', keep: '2' })
    for (const line of ['one', 'two', 'three', 'four', 'five']) await write(exporter, line, '....')
    const ours = readdirSync(folder).filter((name) => /^x\.\d{8}T\d{9}Z(-\d+)?$/.test(name))
    expect(ours.map(textOf).toSorted()).toEqual(['four\n....\n', 'three\n....\n'])
    for (const name of others) expect(textOf(name)).toBe('kept')
  })

  test('counts what is in the file already', async () => {
    writeFileSync(at('x'), `${'a'.repeat(95)}\n`)
    await write(exporterTo(at('x'), { maxSize: '100B' }), 'long enough')
    expect(rotated()).toHaveLength(1)
    expect(textOf('x')).toBe('long enough\n')
  })
})

describe('rotation by time', () => {
  /** The file's last record is of this time. */
  const touch = (ms: number) => utimesSync(at('x'), ms / 1000, ms / 1000)
  const rotated = () => readdirSync(folder).filter((name) => name.startsWith('x.'))

  test('a file whose last record is of an earlier period is ended, by whomever it was written', async () => {
    writeFileSync(at('x'), 'yesterday\n')
    touch(Date.now() - 24 * 3_600_000)
    const exporter = exporterTo(at('x'), { rotateEvery: '1d' })
    await write(exporter, 'today')
    await write(exporter, 'too')
    expect(textOf('x')).toBe('today\ntoo\n')
    expect(rotated().map(textOf)).toEqual(['yesterday\n'])
  })

  test('one of this period is not, nor an empty one', async () => {
    const exporter = exporterTo(at('x'), { rotateEvery: '365d' })
    await write(exporter, 'a')
    await write(exporter, 'b')
    await exporter.close?.()
    writeFileSync(at('x'), '')
    touch(0)
    await write(exporterTo(at('x'), { rotateEvery: '1h' }), 'c')
    expect(rotated()).toEqual([])
  })
})

describe('what was rotated', () => {
  const names = (suffix = '') =>
    readdirSync(folder)
      .filter((name) => name.startsWith('x.') && name.endsWith(suffix))
      .sort()

  test.each([
    ['gzip', '.gz', (bytes: Buffer) => gunzipSync(bytes)],
    ['zstd', '.zst', (bytes: Buffer) => Bun.zstdDecompressSync(bytes)],
  ] as const)('is compressed by %s: nothing is lost, the mode stays', async (compression, suffix, expand) => {
    // Left by a process that ended before it came to it, and in the middle of it.
    writeFileSync(at('x.20260301T000000000Z'), 'left\n')
    writeFileSync(at(`x.20260301T000000000Z${suffix}.partial`), 'half')
    const exporter = exporterTo(at('x'), { maxSize: '5B', compression, mode: '0604' })
    for (const line of ['one', 'two', 'three', 'four']) await write(exporter, line)
    const files = await waitUntil(
      () => names(),
      (all) => all.length === 4 && all.every((name) => name.endsWith(suffix)),
      'compressed files',
    )
    const texts = files.map((name) => Buffer.from(expand(readFileSync(at(name)))).toString())
    expect(texts).toEqual(['left\n', 'one\n', 'two\n', 'three\n'])
    expect((statSync(at(files[1]!)).mode & 0o777).toString(8)).toBe('604')
    expect(textOf('x')).toBe('four\n')
  })

  test('is deleted by age, by the time in its name', async () => {
    const hour = 3_600_000
    const stamp = (ms: number) => `x.${new Date(ms).toISOString().replace(/[-:.]/g, '')}`
    const [old, young] = [stamp(Date.now() - 100 * 24 * hour), stamp(Date.now() - hour)]
    for (const name of [old, young]) writeFileSync(at(name), 'a')
    const exporter = exporterTo(at('x'), { maxSize: '5B', keepAge: '99d' })
    await write(exporter, 'one')
    await write(exporter, 'two')
    await waitUntil(
      () => existsSync(at(old)),
      (there) => !there,
      'the old one to go',
    )
    expect(names()).toContain(young)
    expect(names()).toHaveLength(2)
  })

  test('is deleted by what all of it takes, the oldest first', async () => {
    const exporter = exporterTo(at('x'), { maxSize: '10B', keepSize: '25B' })
    for (let n = 0; n < 8; n++) await write(exporter, `number ${n}.`)
    await waitUntil(
      () => names().length,
      (count) => count === 2,
      'the others to go',
    )
    expect(names().map(textOf)).toEqual(['number 5.\n', 'number 6.\n'])
  })

  test('is compressed also by a program that ends right away, and nothing half done is left', async () => {
    writeFileSync(at('x.20260301T000000000Z'), Buffer.alloc(4 * 1024 * 1024, 'left\n'))
    const exporter = exporterTo(at('x'), { maxSize: '5B', compression: 'zstd' })
    await write(exporter, 'one')
    await write(exporter, 'two')
    await exporter.close?.()
    expect(names().filter((name) => !name.endsWith('.zst'))).toEqual([])
    expect(names()).toHaveLength(2)
  })

  test('trouble with it is said once, and no record is lost', async () => {
    const exporter = exporterTo(at('x'), { maxSize: '5B', compression: 'gzip' })
    await write(exporter, 'one')
    // In the way of the compressed file, whatever its name will be: a folder that cannot be read away.
    mkdirSync(at('x.20200101T000000000Z'))
    await write(exporter, 'two')
    const error = await waitUntil(
      () =>
        write(exporter, 'three').then(
          () => undefined,
          (thrown: unknown) => thrown as Error,
        ),
      (thrown) => thrown !== undefined,
      'word of it',
    )
    expect(error).toBeInstanceOf(RetryableError)
    expect(error!.message).toContain('was not compressed or deleted')
    await write(exporter, 'last')
    expect(textOf('x')).toBe('last\n')
  })

  test('a file that is to survive a power failure is written all the same', async () => {
    const exporter = exporterTo(at('x'), { fsync: true, maxSize: '5B' })
    await write(exporter, 'one')
    await write(exporter, 'two')
    expect(textOf('x')).toBe('two\n')
    expect(names().map(textOf)).toEqual(['one\n'])
  })
})

describe('opening anew', () => {
  test('what was moved away stays, a new file begins', async () => {
    const exporter = exporterTo(at('x'))
    await write(exporter, 'a')
    renameSync(at('x'), at('x.1'))
    await write(exporter, 'b')
    await exporter.reopen?.()
    expect(existsSync(at('x'))).toBe(true)
    await write(exporter, 'c')
    expect([textOf('x.1'), textOf('x')]).toEqual(['a\nb\n', 'c\n'])
  })

  test('in the middle of writing: no batch is split, whatever comes together', async () => {
    const exporter = exporterTo(at('x'))
    const line = (n: number) => `${n} ${'x'.repeat(100_000)}`
    const work: (Promise<void> | undefined)[] = []
    for (let n = 0; n < 40; n++) {
      work.push(write(exporter, line(n)))
      if (n % 4 === 0) {
        if (existsSync(at('x'))) renameSync(at('x'), at(`x.${n}`))
        work.push(exporter.reopen?.())
      }
      if (n % 7 === 0) await Promise.all(work)
    }
    await Promise.all(work)
    const lines = readdirSync(folder).flatMap((name) => textOf(name).trimEnd().split('\n').filter(Boolean))
    expect(lines.map((text) => text.length).toSorted()).toEqual(
      Array.from({ length: 40 }, (_, n) => line(n).length).toSorted(),
    )
    expect(new Set(lines.map((text) => text.split(' ')[0])).size).toBe(40)
  })

  test('a folder that is gone is met again by the next batch, and waited for', async () => {
    mkdirSync(at('logs'))
    const exporter = exporterTo(at('logs/x'))
    await write(exporter, 'a')
    rmSync(at('logs'), { recursive: true })
    expect(classify(await failureOf(exporter.reopen!()))).toMatchObject({ name: 'BlockedError' })
    expect(classify(await failureOf(write(exporter, 'b')))).toMatchObject({ name: 'BlockedError' })
    mkdirSync(at('logs'))
    await write(exporter, 'b')
    expect(textOf('logs/x')).toBe('b\n')
  })

  test('closing twice, and before anything was written', async () => {
    const exporter = exporterTo(at('x'))
    await exporter.close?.()
    await exporter.close?.()
    expect(existsSync(at('x'))).toBe(false)
  })
})

describe('a full disk', () => {
  const mount = () => Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'pgturret-test', folder])
  const canMount = process.getuid?.() === 0 && process.platform === 'linux'

  test.skipIf(!canMount)('leaves no half line, and goes on when there is room (needs root)', async () => {
    const { exitCode, stderr } = mount()
    if (exitCode !== 0) {
      console.warn(`not tested: no tmpfs here: ${stderr}`)
      return
    }
    try {
      const exporter = exporterTo(at('x'))
      writeFileSync(at('ballast'), Buffer.alloc(20_000))
      await write(exporter, 'first')
      // More than there is room for: a part of it is written, and must go again.
      const lines = numbered(1500)
      for (let attempt = 0; attempt < 3; attempt++) {
        const error = classify(await failureOf(write(exporter, ...lines)))
        expect(error).toBeInstanceOf(RetryableError)
        expect(error.message).toContain('ENOSPC')
        expect(textOf('x')).toBe('first\n')
      }
      rmSync(at('ballast'))
      await write(exporter, ...lines)
      expect(textOf('x')).toBe(`first\n${lines.join('\n')}\n`)
      await exporter.close?.()
    } finally {
      Bun.spawnSync(['umount', folder])
    }
  })

  test('a device that is always full', async () => {
    expect(classify(await failureOf(write(exporterTo('/dev/full'), 'a')))).toBeInstanceOf(RetryableError)
  })
})

describe('what is no file', () => {
  test('a device is written to, never rotated or cut', async () => {
    const exporter = exporterTo('/dev/null', { maxSize: '1B' })
    for (let n = 0; n < 3; n++) await write(exporter, 'a')
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true)
  })

  test('a pipe without a reader fails instead of hanging; the next reader gets the whole batch', async () => {
    expect(Bun.spawnSync(['mkfifo', at('pipe')]).exitCode).toBe(0)
    const exporter = exporterTo(at('pipe'))
    expect(classify(await failureOf(write(exporter, 'a')))).toBeInstanceOf(RetryableError)
    const readers = [0, 1].map(() => openSync(at('pipe'), constants.O_RDONLY | constants.O_NONBLOCK))
    await write(exporter, 'a')
    const buffer = Buffer.alloc(100)
    expect(buffer.toString('utf8', 0, readSync(readers[0]!, buffer))).toBe('a\n')
    for (const fd of readers) closeSync(fd)
    expect(classify(await failureOf(write(exporter, 'b')))).toBeInstanceOf(RetryableError)
    const next = openSync(at('pipe'), constants.O_RDONLY | constants.O_NONBLOCK)
    await write(exporter, 'b')
    expect(buffer.toString('utf8', 0, readSync(next, buffer))).toBe('b\n')
    closeSync(next)
  })

  test('a pipe whose reader is slow is waited for, until told to stop', async () => {
    Bun.spawnSync(['mkfifo', at('pipe')])
    const reader = openSync(at('pipe'), constants.O_RDONLY | constants.O_NONBLOCK)
    const stop = new AbortController()
    const line = 'x'.repeat(200_000)
    const sending = failureOf(exporterTo(at('pipe')).send(batchOf([line]), stop.signal))
    const buffer = Buffer.alloc(1000)
    await waitUntil(
      () => {
        try {
          return readSync(reader, buffer)
        } catch {
          return 0
        }
      },
      (bytes) => bytes > 0,
      'the first bytes in the pipe',
    )
    stop.abort()
    expect(await sending).toBeInstanceOf(RetryableError)
    closeSync(reader)
  })
})

describe('what --to says', () => {
  const pathOf = (text: string): unknown => file.fromUrl!(new URL(text), text)['path']

  test.each([
    ['file:///var/log/x.ndjson', '/var/log/x.ndjson'],
    ['file://localhost/var/log/x', '/var/log/x'],
    ['file:/var/log/x', '/var/log/x'],
    ['FILE:///x', '/x'],
    ['file:///a%20b/%C3%A4%23%3F%25', '/a b/ä#?%'],
    ['file:x.ndjson', join(process.cwd(), 'x.ndjson')],
    ['file:./x', join(process.cwd(), 'x')],
    ['file:../x%20y', join(process.cwd(), '../x y')],
    ['file://./logs/x', join(process.cwd(), 'logs/x')],
  ])('%s', (text, path) => {
    expect(pathOf(text)).toBe(path)
  })

  test.each([
    ['file://var/log/x', '"var" would be a host: an absolute path has three slashes, file:///var/log/x'],
    ['file:///x?mode=1', 'takes no query'],
    ['file:///x#1', 'takes no query'],
    ['file:///logs/', 'expected the path of a file'],
    ['file:', 'expected the path of a file'],
  ])('%s is refused', (text, message) => {
    expect(() => pathOf(text)).toThrow(message)
  })

  const problemOf = (path: string) => file.problem!(file.options.parse({ path }))

  test('what can be seen to be wrong at start', () => {
    writeFileSync(at('file'), '')
    expect(problemOf(at('x'))).toBeUndefined()
    expect(problemOf(at('file'))).toBeUndefined()
    expect(problemOf('/dev/null')).toBeUndefined()
    expect(problemOf(folder)).toContain('is a folder')
    expect(problemOf(at('nowhere/x'))).toBe(`the folder "${at('nowhere')}" does not exist`)
    expect(problemOf(at('file/x'))).toContain('cannot be written')
    expect(problemOf(relative(process.cwd(), at('x')))).toBeUndefined()
  })

  test('the label is the path', () => {
    expect(file.label(file.options.parse({ path: '/x' }))).toBe('/x')
  })
})
