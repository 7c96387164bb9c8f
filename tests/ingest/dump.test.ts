import { describe, expect, test } from 'bun:test'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { encodeFrame } from '../../src/codec/frame.ts'
import { type DumpOptions, DumpReader, readDump } from '../../src/ingest/dump.ts'
import { dropped, hello, log, logs, ring, shown } from './frames.ts'

const CAPTURE = join(import.meta.dir, '../fixtures/captures/pg_logfebe-15-conn1.febe')

/** Collects what is read, as text. */
function collector() {
  const events: string[] = []
  const options: DumpOptions = {
    handler: {
      record: (record) => events.push(shown(record)),
      dropped: (lost) => events.push(`dropped ${lost.firstSequence}+${lost.count}`),
    },
    maxFrameBytes: 1024 * 1024,
    damaged: (error) => events.push(`${error.reason} at ${error.offset}`),
    next: async () => true,
  }
  return { events, options }
}

function read(chunks: readonly Uint8Array[]): string[] {
  const { events, options } = collector()
  const reader = new DumpReader(options)
  for (const chunk of chunks) {
    // The buffer is used again for the next chunk, as readDump does.
    const buffer = Uint8Array.from(chunk)
    reader.push(buffer)
    buffer.fill(0xee)
  }
  reader.end()
  return events
}

/** Reads in one piece, byte by byte and at every single cut; all must say the same. */
function readEveryWay(...frames: readonly Uint8Array[]): string[] {
  const bytes = Buffer.concat(frames)
  const events = read([bytes])
  const bytewise = read(Array.from(bytes, (byte) => Uint8Array.of(byte)))
  if (!Bun.deepEquals(bytewise, events)) expect(bytewise).toEqual(events)
  for (let cut = 1; cut < bytes.length; cut++) {
    const twoParts = read([bytes.subarray(0, cut), bytes.subarray(cut)])
    if (!Bun.deepEquals(twoParts, events)) expect([cut, ...twoParts]).toEqual([cut, ...events])
  }
  return events
}

describe('an undamaged dump', () => {
  test('records, drops and sequences, wherever it is cut', () => {
    expect(readEveryWay(hello(), ring(7n, 3n), logs(3, 4), dropped(5n, 2n), log(7))).toEqual([
      '3 message 3',
      '4 message 4',
      'dropped 5+2',
      '7 message 7',
    ])
  })

  test('several sources one after the other', () => {
    expect(readEveryWay(hello(1), log(1, 1), hello(2), ring(7n, 3n), log(3), hello(1), log(2, 1))).toEqual([
      '- message 1',
      '3 message 3',
      '- message 2',
    ])
  })
})

describe('damage', () => {
  const head = Buffer.concat([hello(), ring(7n, 1n), logs(1, 2)])
  const behind = Buffer.concat([logs(8, 9), dropped(10n, 1n), log(11)])
  const before = ['1 message 1', '2 message 2']
  const after = ['- message 8', '- message 9', 'dropped 10+1', '11 message 11']
  const header = (type: string, length: number) => {
    const bytes = Buffer.alloc(5)
    bytes.write(type, 'latin1')
    bytes.writeInt32BE(length, 1)
    return bytes
  }

  test.each([
    ['a length of zero', header('L', 0), 'bad_length'],
    ['a length of three', header('L', 3), 'bad_length'],
    ['a negative length', header('L', -2), 'bad_length'],
    ['a length of 2 GiB', header('L', 2 ** 31 - 1), 'frame_too_large'],
    ['a length over the limit', header('L', 1024 * 1024 + 1), 'frame_too_large'],
    ['zeros', Buffer.alloc(300), 'bad_length'],
    ['one stray byte', Buffer.of(0xfe), 'frame_too_large'],
    ['text', Buffer.from('<html>not a dump</html>'), 'frame_too_large'],
    [
      'what looks like a record but for its date',
      Buffer.from('L\0\0\0\x03 L\0\0\0\x30 2026-3-1 '),
      'bad_length',
    ],
  ] as const)('%s between frames costs itself', (_, garbage, reason) => {
    expect(readEveryWay(head, garbage, behind)).toEqual([...before, `${reason} at ${head.length}`, ...after])
  })

  test('a length that was changed costs its record', () => {
    const changed = Buffer.from(log(3))
    changed.writeInt32BE(2 ** 30, 1)
    expect(readEveryWay(head, changed, behind)).toEqual([
      ...before,
      `frame_too_large at ${head.length}`,
      ...after,
    ])
  })

  test('a record that is wrong inside costs itself, and the order goes on', () => {
    const wrong = Buffer.from(log(3))
    wrong[wrong.indexOf(0, 5) + 1] = 0x41
    expect(readEveryWay(head, wrong, log(4))).toEqual([
      ...before,
      `malformed_record at ${head.length}`,
      '4 message 4',
    ])
  })

  test('several places are all reported, with offsets from the beginning of the file', () => {
    const stray = Buffer.alloc(20, 0xff)
    const events = readEveryWay(stray, hello(1), log(1, 1), stray, log(2, 1), stray)
    const second = stray.length + hello(1).length + log(1, 1).length
    const third = second + stray.length + log(2, 1).length
    expect(events).toEqual([
      'bad_length at 0',
      '- message 1',
      `bad_length at ${second}`,
      '- message 2',
      `bad_length at ${third}`,
    ])
  })

  test('a new V behind the damage is found before any record', () => {
    expect(readEveryWay(head, Buffer.alloc(9), hello(1, 'other'), log(3, 1))).toEqual([
      ...before,
      `bad_length at ${head.length}`,
      '- message 3',
    ])
  })

  test('nothing but garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const events = read([bytes])
        expect(read(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(events)
        expect(events.filter((event) => event.includes('message'))).toEqual([])
        if (bytes.length > 0) expect(events.length).toBeGreaterThan(0)
      }),
    )
  })

  test('garbage between frames, in any chunks', () => {
    const garbage = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => {
      // A first length that cannot be: what looks like a frame may swallow the one behind it.
      bytes.set([0, 0xff, 0xff, 0xff, 0xff].slice(0, bytes.length))
      return bytes
    })
    const sizes = fc.infiniteStream(fc.integer({ min: 1, max: 60 }))
    fc.assert(
      fc.property(fc.array(garbage, { minLength: 1, maxLength: 4 }), sizes, (pieces, chunkSizes) => {
        const frames = pieces.flatMap((piece, n) => [logs(2 * n, 2 * n + 1, 1), piece])
        const bytes = Buffer.concat([hello(1), ...frames, log(99, 1)])
        const chunks: Uint8Array[] = []
        for (let at = 0; at < bytes.length; ) {
          const size = chunkSizes.next().value as number
          chunks.push(bytes.subarray(at, at + size))
          at += size
        }
        const events = read(chunks)
        expect(events).toEqual(read([bytes]))
        const records = events.filter((event) => event.includes('message'))
        const expected = [...pieces.flatMap((_, n) => [2 * n, 2 * n + 1]), 99]
        expect(records).toEqual(expected.map((n) => `- message ${n}`))
      }),
    )
  })

  test('a tail that is cut off is reported where its frame begins, behind other damage too', () => {
    const damaged = Buffer.concat([head, Buffer.alloc(7), log(8)])
    const last = log(9)
    for (let bytes = 1; bytes < last.length; bytes++) {
      expect(read([damaged, last.subarray(0, bytes)])).toEqual([
        ...before,
        `bad_length at ${head.length}`,
        '- message 8',
        `truncated at ${damaged.length}`,
      ])
    }
  })

  test('frames of no known type are counted and passed over', () => {
    const { options, events } = collector()
    const reader = new DumpReader(options)
    reader.push(Buffer.concat([hello(1), encodeFrame(0x7a, new Uint8Array(3)), log(1, 1)]))
    reader.end()
    expect(events).toEqual(['- message 1'])
    expect(reader.counts).toMatchObject({ frames: 4, records: 1, unknownFrames: 1 })
  })
})

describe('readDump', () => {
  const inFolder = async (work: (folder: string) => Promise<void>) => {
    const folder = mkdtempSync(join(tmpdir(), 'pgturret-dump-'))
    try {
      await work(folder)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  test('what the original extension sent', async () => {
    const { events, options } = collector()
    const counts = await readDump(CAPTURE, options)
    expect(counts.records).toBeGreaterThan(0)
    expect(events).toHaveLength(counts.records)
    expect(events.filter((event) => !event.startsWith('- '))).toEqual([])
  })

  test('a file of many chunks, in constant memory and in order', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'long.febe')
      const count = 20_000
      writeFileSync(path, Buffer.concat([hello(), ring(7n, 0n), logs(0, count - 1)]))
      const { options } = collector()
      let seen = 0
      let turns = 0
      const counts = await readDump(path, {
        ...options,
        handler: {
          record: (record) => {
            if (shown(record) !== `${seen} message ${seen}`)
              expect(shown(record)).toBe(`${seen} message ${seen}`)
            seen++
          },
        },
        next: async () => {
          turns++
          return true
        },
      })
      expect([seen, counts.records]).toEqual([count, count])
      expect(turns).toBeGreaterThan(2)
    }))

  test('ends when it is told to', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'long.febe')
      writeFileSync(path, Buffer.concat([hello(1), logs(1, 20_000, 1)]))
      const { options } = collector()
      const counts = await readDump(path, { ...options, next: async () => false })
      expect(counts.records).toBeGreaterThan(0)
      expect(counts.records).toBeLessThan(20_000)
    }))

  test('a file that is not there, and a folder', async () => {
    const { options } = collector()
    expect(readDump('/nowhere/x.febe', options)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(readDump('/', options)).rejects.toMatchObject({ code: 'EISDIR' })
  })

  test('"-" is standard input, and it is not waited for once nobody wants more', () =>
    inFolder(async (folder) => {
      const program = join(folder, 'read.ts')
      const module = (path: string) => JSON.stringify(join(import.meta.dir, '../../src', path))
      writeFileSync(
        program,
        `import { readDump } from ${module('ingest/dump.ts')}
         const counts = await readDump('-', { handler: { record() {} }, maxFrameBytes: 1000,
           damaged() {}, next: async () => process.argv[2] === 'all' })
         console.log(counts.records)
         process.exit(0)`,
      )
      const bytes = Buffer.concat([hello(1), logs(1, 3, 1)])
      const path = join(folder, 'x.febe')
      writeFileSync(path, bytes)
      const fd = openSync(path, 'r')
      const whole = Bun.spawn([process.execPath, program, 'all'], { stdin: fd, stdout: 'pipe' })
      expect(await new Response(whole.stdout).text()).toBe('3\n')
      closeSync(fd)
      // The pipe stays open and silent: only the reader's own decision ends it.
      const open = Bun.spawn([process.execPath, program, 'first'], { stdin: 'pipe', stdout: 'pipe' })
      open.stdin.write(bytes)
      open.stdin.flush()
      expect(await new Response(open.stdout).text()).toBe('3\n')
      expect(await open.exited).toBe(0)
      open.stdin.end()
    }))
})
