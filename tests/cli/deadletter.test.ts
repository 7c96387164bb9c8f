import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  appendFileSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FrameDecoder } from '../../src/codec/frame.ts'
import { ReplayLock } from '../../src/deadletter/replay-lock.ts'
import { DeadLetters } from '../../src/deadletter/store.ts'
import { LogStream } from '../../src/ingest/stream.ts'
import { MemoryJournal } from '../../src/journal/memory-journal.ts'
import { makeLog } from '../../src/log.ts'
import { letter, ORDERS } from '../deadletter/desk.ts'
import { hello, log, logs, ring } from '../ingest/frames.ts'
import { type Outcome, run } from './run.ts'

const ARCHIVE = { name: 'archive', type: 's3' }
const log0 = makeLog(() => undefined, true)

let state = ''
let folder = ''
let letters: DeadLetters
let journal: MemoryJournal
let server: Bun.Server<unknown> | undefined

/** Messages that the server has taken, in the order in which they came. */
let taken: string[] = []

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'pgturret-deadletter-'))
  folder = join(state, 'pgturret/deadletters')
  journal = new MemoryJournal(2 ** 26)
  const stream = new LogStream(new FrameDecoder(), {
    record: (record) => journal.append(record),
    damage: (error) => {
      throw error
    },
  })
  const detail = log(3, 2, { QueryId: 9_007_199_254_740_993n, ErrDetail: 'two\nlines' })
  stream.push(Buffer.concat([hello(), ring(7n, 0n), logs(0, 2), detail, logs(4, 99)]))
  journal.flush()
  letters = new DeadLetters({ folder, journal, log: log0 })
  taken = []
})
afterEach(async () => {
  await server?.stop(true)
  server = undefined
  rmSync(state, { recursive: true, force: true })
})

const deadletter = (...words: readonly string[]): Promise<Outcome> =>
  run(['deadletter', ...words], { XDG_STATE_HOME: state })

/** Takes records, but refuses those that are named, and what they are sent together with. */
function serve(
  refused: (message: string) => number | undefined,
  before: () => Promise<void> = async () => undefined,
): string {
  server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: async (request) => {
      const messages = (await request.text())
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).message as string)
      await before()
      const status = messages.map(refused).find((one) => one !== undefined)
      if (status !== undefined) return new Response('not this one', { status })
      taken.push(...messages)
      return new Response()
    },
  })
  return server.url.href
}

const store = (positions: readonly number[], to = ORDERS, own: Parameters<typeof letter>[1] = {}) =>
  letters.store(
    to,
    positions.map((position) => letter(position, own)),
  )

/** Messages of the letters that are left, in order. */
async function left(): Promise<string[]> {
  const { stdout } = await deadletter('show', '--format', 'json')
  return stdout === ''
    ? []
    : stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).record?.message ?? 'nothing')
}

describe('help', () => {
  test('alone it says what there is', async () => {
    const { code, stdout, stderr } = await deadletter()
    expect(code).toBe(2)
    for (const word of ['list', 'show', 'replay']) expect(stdout + stderr).toContain(word)
  })

  test('replay', async () => {
    const { code, stdout } = await deadletter('replay', '--help')
    expect(code).toBe(0)
    for (const phrase of ['--to <DEST>', '--keep', '--http-token', 'Exit status'])
      expect(stdout).toContain(phrase)
  })
})

describe('list', () => {
  test('nothing', async () => {
    expect(await deadletter('list')).toEqual({
      code: 0,
      stdout: `no dead letters in ${folder}\n`,
      stderr: '',
    })
    expect(await deadletter('list', '--json')).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('how many, of whom, and why', async () => {
    await store([0, 1, 2, 0])
    await store([3], ORDERS, { reason: 'the server answered 422: \x1b[2Jno', status: 422 })
    await store([5000], ORDERS, { reason: 'given up', status: undefined })
    await store([4], ARCHIVE)
    appendFileSync(join(folder, 'orders.ndjson'), '{"time":')
    const { code, stdout } = await deadletter('list')
    expect(code).toBe(0)
    const when = '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d UTC'
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(new RegExp(`^archive \\(s3\\): 1 letter, \\d+ B, ${when} to ${when}$`)),
      '  1 × the server answered 400: no such field',
      expect.stringMatching(/^orders \(http\): 5 letters, [\d.]+ kB, /),
      '  3 × the server answered 400: no such field',
      '  1 × the server answered 422: [2Jno',
      '  1 × given up',
      '  1 without the record',
      '  1 line that cannot be read',
      '',
    ])
  })

  test('for a machine', async () => {
    await store([0, 1])
    await store([0])
    const { stdout } = await deadletter('list', '--json')
    expect(JSON.parse(stdout)).toEqual({
      exporter: 'orders',
      type: 'http',
      letters: 2,
      withoutRecord: 0,
      repeated: 1,
      unreadable: 0,
      bytes: expect.any(Number),
      oldest: expect.stringMatching(/^\d{4}-.*Z$/),
      newest: expect.stringMatching(/^\d{4}-.*Z$/),
      reasons: [{ reason: 'the server answered 400: no such field', status: 400, letters: 2 }],
    })
  })

  test('where a journal is that was named, or that the configuration file names', async () => {
    await store([0])
    const path = join(state, 'pgturret')
    const config = join(state, 'other.toml')
    writeFileSync(config, `journal = ${JSON.stringify(path)}\n`)
    const elsewhere = { XDG_STATE_HOME: join(state, 'elsewhere') }
    expect((await run(['deadletter', 'list'], elsewhere)).stdout).toContain('no dead letters')
    expect((await run(['deadletter', 'list', '--journal', path], elsewhere)).stdout).toContain('1 letter')
    expect((await run(['deadletter', 'list', '--config', config], elsewhere)).stdout).toContain('1 letter')
  })
})

describe('show', () => {
  test('each record with the reason', async () => {
    await store([3], ORDERS, { reason: 'no \x1b[2J' })
    await store([5000], ORDERS, { status: undefined, attempts: 1 })
    const { code, stdout } = await deadletter('show')
    expect(code).toBe(0)
    const [why, ...lines] = stdout.split('\n')
    expect(why).toMatch(/^── orders, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, 3 attempts: 400: no \[2J$/)
    expect(lines.join('\n')).toContain('message 3')
    expect(lines.join('\n')).toMatch(/detail: +two\n +lines\n/)
    expect(stdout).toMatch(/── orders, .*, 1 attempt: the server/)
    expect(stdout).toContain('the record is not kept')
    expect(stdout).not.toContain('\x1b')
  })

  test('as they are stored, but for the dump', async () => {
    await store([3])
    const { stdout } = await deadletter('show', 'orders', '--format', 'json')
    const stored = readFileSync(join(folder, 'orders.ndjson'), 'utf8')
    expect(stdout).toBe(`${stored.replace(/,"febe":.*$/m, '}')}`)
    expect(stdout).toContain('"query_id":9007199254740993')
  })

  test('the newest of one exporter', async () => {
    await store([0, 1, 2, 1])
    await store([4], ARCHIVE)
    const { stdout } = await deadletter('show', 'orders', '--records', '2', '--format', 'prototext')
    expect(stdout.match(/^# orders, .*$/gm)).toHaveLength(2)
    expect(stdout.match(/ErrMessage=.*?"]/g)).toEqual([
      'ErrMessage=["message 1"]',
      'ErrMessage=["message 2"]',
    ])
  })

  test('of an exporter without letters', async () => {
    await store([0])
    const { code, stderr } = await deadletter('show', 'order')
    expect(code).toBe(2)
    expect(stderr).toContain('no dead letters of "order"')
    expect(stderr).toContain('of orders')
  })
})

describe('replay', () => {
  test('what is delivered is removed', async () => {
    await store([0, 1, 2, 1])
    await store([4], ARCHIVE)
    const to = serve(() => undefined)
    const { code, stderr } = await deadletter('replay', '--to', to)
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `pgturret: 4 dead letters to ${to}: 4 delivered\n`,
    })
    expect(taken).toEqual(['message 4', 'message 0', 'message 1', 'message 2'])
    expect(readdirSync(folder)).toEqual(['replay.lock'])
    expect((await deadletter('list')).stdout).toContain('no dead letters')
    expect(await deadletter('replay', '--to', to)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('no dead'),
    })
  })

  test('what is refused again stays as it was, and so does what has no record', async () => {
    await store(Array.from({ length: 50 }, (_, n) => n))
    await store([5000])
    const before = readFileSync(join(folder, 'orders.ndjson'), 'utf8').split('\n')
    const to = serve((message) => (/ (7|8|31|49)$/.test(message) ? 400 : undefined))
    const { code, stderr } = await deadletter('replay', 'orders', '--to', to)
    expect(code).toBe(4)
    expect(stderr).toContain(': 46 delivered, 4 refused again, 1 without the record; what was')
    expect(taken).toHaveLength(46)
    expect(await left()).toEqual([7, 8, 31, 49, 5000].map((n) => (n === 5000 ? 'nothing' : `message ${n}`)))
    const [name] = readdirSync(folder).filter((one) => one.endsWith('.ndjson'))
    const after = readFileSync(join(folder, name!), 'utf8').split('\n')
    expect(after).toEqual(before.filter((_, n) => [7, 8, 31, 49, 50, 51].includes(n)))
    // Once more, and now they are taken.
    await server!.stop(true)
    expect(
      (
        await deadletter(
          'replay',
          '--to',
          serve(() => undefined),
        )
      ).code,
    ).toBe(0)
    expect(await left()).toEqual(['nothing'])
  })

  test('--keep', async () => {
    await store([0, 1])
    const before = readFileSync(join(folder, 'orders.ndjson'), 'utf8')
    const { code } = await deadletter(
      'replay',
      '--to',
      serve(() => undefined),
      '--keep',
    )
    expect(code).toBe(0)
    expect(taken).toEqual(['message 0', 'message 1'])
    expect(readdirSync(folder)).toEqual(['orders.ndjson'])
    expect(readFileSync(join(folder, 'orders.ndjson'), 'utf8')).toBe(before)
  })

  test('a listener stores letters meanwhile: none is lost', async () => {
    await store([0, 1, 2, 3])
    let next = 10
    const to = serve(
      (message) => (message === 'message 2' ? 400 : undefined),
      () => store([next++]),
    )
    expect((await deadletter('replay', '--to', to)).code).toBe(4)
    expect(next).toBeGreaterThan(11)
    const stored = Array.from({ length: next - 10 }, (_, n) => `message ${10 + n}`)
    expect(await left()).toEqual(['message 2', ...stored])
    await server!.stop(true)
    expect(
      (
        await deadletter(
          'replay',
          '--to',
          serve(() => undefined),
        )
      ).code,
    ).toBe(0)
    expect(taken.slice(-next + 9)).toEqual(['message 2', ...stored])
    expect(await left()).toEqual([])
  })

  test('a destination that cannot be used takes nothing away', async () => {
    await store([0, 1])
    const { code, stderr } = await deadletter(
      'replay',
      '--to',
      serve(() => 401),
    )
    expect(code).toBe(4)
    expect(stderr).toContain('401')
    expect(await left()).toEqual(['message 0', 'message 1'])
  })

  test('one that fails for too long takes nothing away either', async () => {
    await store([0, 1])
    const { code, stderr } = await deadletter(
      'replay',
      '--to',
      serve(() => 503),
      '--retry-for',
      '1ms',
    )
    expect(code).toBe(4)
    expect(stderr).toContain('2 not delivered')
    expect(await left()).toEqual(['message 0', 'message 1'])
  })

  test('into a file', async () => {
    await store([0, 1])
    const path = join(state, 'out.ndjson')
    expect((await deadletter('replay', '--to', `file://${path}`)).code).toBe(0)
    expect(readFileSync(path, 'utf8')).toContain('message 1')
  })

  test.if(process.getuid?.() === 0)("what root has replayed stays the listener's", async () => {
    await store([0, 1])
    for (const path of [folder, join(folder, 'orders.ndjson')]) chownSync(path, 65534, 65534)
    await deadletter(
      'replay',
      '--to',
      serve((message) => (message === 'message 0' ? 400 : undefined)),
    )
    const owners = readdirSync(folder).map((name) => statSync(join(folder, name)).uid)
    expect(owners).toEqual([65534, 65534])
  })

  test('a replay that is killed leaves every letter', async () => {
    await store(Array.from({ length: 20 }, (_, n) => n))
    let child: Bun.Subprocess | undefined
    const to = serve(
      () => undefined,
      async () => {
        if (taken.length >= 10) child!.kill('SIGKILL')
      },
    )
    const words = ['deadletter', 'replay', '--to', to, '--http-batch-records', '5']
    child = Bun.spawn([process.execPath, join(import.meta.dir, '../../src/cli/main.ts'), ...words], {
      env: { ...process.env, XDG_STATE_HOME: state },
      stderr: 'ignore',
    })
    await child.exited
    expect(await left()).toEqual(Array.from({ length: 20 }, (_, n) => `message ${n}`))
    await server!.stop(true)
    expect(
      (
        await deadletter(
          'replay',
          '--to',
          serve(() => undefined),
        )
      ).code,
    ).toBe(0)
    expect(await left()).toEqual([])
  })

  test('an exporter of the configuration file, by its name', async () => {
    await store([0])
    const config = join(state, 'pgturret.toml')
    writeFileSync(config, `[exporters.orders]\nurl = "${serve(() => undefined)}"\n`)
    const { code } = await deadletter('replay', 'orders', '--to', 'orders', '--config', config)
    expect(code).toBe(0)
    expect(taken).toEqual(['message 0'])
  })

  test('the rest of a replay that was killed, and of what it was about to write', async () => {
    await store([0, 1])
    await deadletter(
      'replay',
      '--to',
      serve(() => 400),
    )
    const [sealed] = readdirSync(folder).filter((name) => name.endsWith('.ndjson'))
    expect(sealed).not.toBe('orders.ndjson')
    writeFileSync(join(folder, `${sealed}.tmp`), '{"time')
    await store([1, 2])
    await server!.stop(true)
    const { code, stderr } = await deadletter(
      'replay',
      '--to',
      serve(() => undefined),
    )
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/3 dead letters to .*: 3 delivered/),
    })
    expect(taken).toEqual(['message 0', 'message 1', 'message 2'])
    expect(readdirSync(folder)).toEqual(['replay.lock'])
  })

  test('two at a time', async () => {
    await store([0])
    const lock = await ReplayLock.take(folder)
    const { code, stderr } = await deadletter('replay', '--to', 'stdout')
    lock.release()
    expect(code).toBe(2)
    expect(stderr).toContain('are being replayed already')
    expect(await left()).toEqual(['message 0'])
  })

  test('told to stop, it keeps what was not delivered', async () => {
    await store(Array.from({ length: 20 }, (_, n) => n))
    let stop: (() => void) | undefined
    const to = serve(
      () => undefined,
      async () => {
        if (taken.length < 5) return
        stop?.()
        stop = undefined
        // This one is never answered.
        await new Promise(() => undefined)
      },
    )
    const words = ['deadletter', 'replay', '--to', to, '--http-batch-records', '5']
    const { code, stderr } = await run(
      words,
      { XDG_STATE_HOME: state },
      {
        onSignal: (_, callback) => {
          stop = () => callback('SIGINT')
        },
      },
    )
    expect(code).toBe(4)
    expect(stderr).toContain('15 not delivered')
    const rest = await left()
    expect(taken).toEqual(Array.from({ length: 5 }, (_, n) => `message ${n}`))
    expect(rest).toEqual(Array.from({ length: 15 }, (_, n) => `message ${n + 5}`))
  })

  test('everything that is wrong at once', async () => {
    const { code, stderr } = await deadletter('replay', '--journal', 'memory', '--retry-for', '3', '--kep')
    expect(code).toBe(2)
    for (const phrase of ['--to: expected', '--journal', '--retry-for', '--kep: unknown option'])
      expect(stderr).toContain(phrase)
  })
})
