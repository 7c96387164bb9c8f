import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { makeLog } from '../../src/log.ts'
import { type ControlServer, controlPath, serveControl } from '../../src/observe/control.ts'
import { hello, log, logs, ring } from '../ingest/frames.ts'
import { Sender } from '../ingest/senders.ts'
import { snapshotWith } from '../observe/snapshots.ts'
import { type ListenerProcess, startListener } from '../support/listener-process.ts'
import { waitUntil } from '../support/wait-until.ts'
import { run } from './run.ts'
import { TailProcess } from './tail-process.ts'

// Processes are started, and the machine may be busy.
setDefaultTimeout(120_000)

let root = ''
beforeAll(() => {
  root = mkdtempSync('/tmp/pgturret-tail-')
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const tails: TailProcess[] = []
const listeners: ListenerProcess[] = []
afterEach(async () => {
  for (const tail of tails.splice(0)) await tail.kill()
  for (const listener of listeners.splice(0)) await listener.kill9()
})

let names = 0
/** Places of a listener of a test's own. */
function places() {
  const name = join(root, String(names++))
  return { socket: `${name}.sock`, journal: `${name}.journal`, out: `${name}.ndjson` }
}

async function listen({ socket, journal, out }: ReturnType<typeof places>, ...words: readonly string[]) {
  const common = ['--socket', socket, '--journal', journal, '--to', `file://${out}`]
  const listener = await startListener([...common, ...words])
  listeners.push(listener)
  return listener
}

/** Sends records numbered as their sequences, and waits until they are safe. */
async function send(socket: string, from: number, to: number): Promise<void> {
  const sender = await Sender.connect(socket)
  for (let first = from; first <= to; first += 5000) {
    const last = Math.min(to, first + 4999)
    const head = first === from ? [hello(2), ring(7n, BigInt(from))] : []
    await sender.send(...head, logs(first, last))
  }
  await sender.untilAcknowledged(BigInt(to))
  sender.destroy()
}

function tail(words: readonly string[]): TailProcess {
  const process = new TailProcess(words)
  tails.push(process)
  return process
}

const messages = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `message ${from + i}`)

describe('a listener', () => {
  test('some of the past, and then what comes, until Ctrl-C', async () => {
    const at = places()
    await listen(at)
    await send(at.socket, 1, 50)
    const watching = tail(['--socket', at.socket, '-n', '5', '--format', 'json'])
    await watching.untilShown('message 50')
    await send(at.socket, 51, 52)
    await watching.untilShown('message 52')
    expect(await watching.interrupt()).toBe(0)
    expect(watching.messages).toEqual(messages(46, 52))
    expect(watching.said).toEqual([])
  })

  test('--no-follow ends behind the past; ten records unless told otherwise', async () => {
    const at = places()
    await listen(at)
    await send(at.socket, 1, 50)
    const once = tail(['--socket', at.socket, '--no-follow', '--format', 'json'])
    expect(await once.exited).toBe(0)
    expect(once.messages).toEqual(messages(41, 50))
    const since = tail([
      '--socket',
      at.socket,
      '--no-follow',
      '--format',
      'json',
      '--since',
      '2026-03-01T00:00:00Z',
    ])
    expect(await since.exited).toBe(0)
    // Records without a time of their own are from 1970.
    expect(since.messages).toEqual([])
  })

  test('the last records of a kind are looked for', async () => {
    const at = places()
    await listen(at)
    const sender = await Sender.connect(at.socket)
    const errors = (n: number) => log(n, 2, n % 10_000 === 0 ? { ELevel: 21 } : {})
    await sender.send(hello(2), ring(7n, 1n))
    for (let n = 1; n <= 60_000; n += 1000)
      await sender.send(...Array.from({ length: 1000 }, (_, i) => errors(n + i)))
    await sender.untilAcknowledged(60_000n)
    const watching = tail(['--socket', at.socket, '-n', '3', '--level', 'ERROR', '--format', 'json'])
    await watching.untilShown('message 60000')
    await sender.send(log(60_001), errors(70_000))
    await watching.untilShown('message 70000')
    sender.destroy()
    expect(watching.messages).toEqual(['message 40000', 'message 50000', 'message 60000', 'message 70000'])
  })

  test('several at a time', async () => {
    const at = places()
    await listen(at)
    const watching = Array.from({ length: 3 }, () => tail(['--socket', at.socket, '--format', 'json']))
    await send(at.socket, 1, 1)
    for (const one of watching) await one.untilShown('message 1')
    await send(at.socket, 2, 2000)
    for (const one of watching) await one.untilShown('message 2000"')
    for (const one of watching) expect(one.messages).toEqual(messages(1, 2000))
  })

  test('a journal in memory has next to no past, and what comes is shown', async () => {
    const at = { ...places(), journal: 'memory' }
    await listen(at)
    await send(at.socket, 1, 20)
    const watching = tail(['--socket', at.socket, '-n', '15', '--format', 'json'])
    await watching.untilSaid('--journal=memory')
    await send(at.socket, 21, 40)
    await watching.untilShown('message 40')
    expect(watching.messages.slice(-20)).toEqual(messages(21, 40))
  })

  test('| head ends quietly', async () => {
    const at = places()
    await listen(at)
    await send(at.socket, 1, 50_000)
    const main = join(import.meta.dir, '../../src/cli/main.ts')
    const command = `"${process.execPath}" "${main}" tail --socket "${at.socket}" -n 50000 | head -n 1; echo "\${PIPESTATUS[0]}"`
    const shell = Bun.spawn(['bash', '-c', command], { stdout: 'pipe', stderr: 'pipe' })
    const lines = (await shell.stdout.text()).trim().split('\n')
    expect(await shell.stderr.text()).toBe('')
    expect(lines.at(-1)).toBe('0')
  })
})

describe('a listener that is started again', () => {
  test('after kill -9: nothing twice, nothing lost', async () => {
    const at = places()
    let listener = await listen(at)
    await send(at.socket, 1, 1)
    const watching = tail(['--socket', at.socket, '--format', 'json'])
    await watching.untilShown('message 1')
    for (let life = 1; life <= 3; life++) {
      await send(at.socket, life * 1000, life * 1000 + 499)
      await listener.kill9()
      await watching.untilSaid('the listener is gone')
      listener = await listen(at)
      await send(at.socket, life * 1000 + 500, life * 1000 + 999)
    }
    await watching.untilShown('message 3999')
    expect(watching.messages).toEqual(['message 1', ...messages(1000, 3999)])
    expect(watching.said.at(-1)).toBe('the listener is back; going on where it was')
    expect(await watching.interrupt()).toBe(0)
  })

  test('with another journal: said, and shown from its beginning', async () => {
    const at = places()
    const listener = await listen(at)
    await send(at.socket, 1, 10)
    const watching = tail(['--socket', at.socket, '--format', 'json'])
    await watching.untilShown('message 10')
    await listener.stop()
    await listen({ ...at, journal: `${at.journal}-2` })
    await watching.untilSaid('another journal')
    await send(at.socket, 11, 12)
    await watching.untilShown('message 12')
    expect(watching.messages).toEqual(messages(1, 12))
  })
})

test('a viewer that stands still: deliveries go on, memory is bounded, shown and skipped are everything', async () => {
  const at = places()
  const listener = await listen(at)
  const count = 300_000
  await send(at.socket, 1, 1)
  const watching = tail(['--socket', at.socket, '--format', 'json'])
  await watching.untilShown('message 1')
  watching.halt()
  await send(at.socket, 2, count)
  await waitUntil(
    () => statSync(at.out).size,
    () => readFileSync(at.out).subarray(-4000).includes(`message ${count}"`),
    'everything to be delivered',
    { timeoutMs: 60_000 },
  )
  const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${listener.pid}/status`, 'utf8'))![1])
  expect(peak).toBeLessThan(450 * 1024)
  watching.resume()
  await watching.untilSaid('records skipped')
  await send(at.socket, count + 1, count + 1)
  await watching.untilShown(`message ${count + 1}"`)
  const skipped = watching.said
    .flatMap((line) => /^([\d,]+) records? skipped: they come faster/.exec(line)?.[1] ?? [])
    .reduce((sum, text) => sum + Number(text.replaceAll(',', '')), 0)
  const shown = watching.messages.map((message) => Number(message.slice('message '.length)))
  expect(skipped).toBeGreaterThan(0)
  expect(shown).toEqual([...new Set(shown)].sort((a, b) => a - b))
  expect(shown.length + skipped).toBe(count + 1)
  expect(await listener.stop()).toBe(0)
})

describe('what is wrong', () => {
  const told = async (...words: readonly string[]) => {
    const { code, stderr } = await run(['tail', ...words])
    expect(code).toBe(2)
    return stderr
  }

  test('no listener: how to start one', async () => {
    const socket = join(root, 'nobody.sock')
    expect(await told('--socket', socket)).toBe(
      `pgturret: no listener answers at "${socket}.control"; is "pgturret listen" running? give its --socket; a recording is read with "pgturret tail FILE"\n`,
    )
  })

  describe('a listener', () => {
    let control: ControlServer | undefined
    afterEach(() => control?.stop())
    const serve = async (answer?: Response) => {
      const { socket } = places()
      const tail = answer === undefined ? undefined : async () => answer
      const log = makeLog(() => undefined, true)
      control = await serveControl({
        path: controlPath(socket),
        mode: 0o600,
        snapshot: snapshotWith,
        log,
        tail,
      })
      return socket
    }

    test('of another version', async () => {
      expect(await told('--socket', await serve())).toContain('is of another version, and cannot be followed')
      expect(await told('--socket', await serve(new Response('hello')))).toContain('is of another version')
    })

    test('that has enough viewers', async () => {
      const full = new Response('16 others look on already\n', { status: 503 })
      expect(await told('--socket', await serve(full))).toContain('no place for another tail: 16 others')
    })
  })

  test('options that make no sense together', async () => {
    const dump = join(root, 'dump.febe')
    writeFileSync(dump, hello(2))
    writeFileSync(`${dump}.gz`, gzipSync(hello(2)))
    expect(await told(dump, '--socket', 'x')).toContain('--socket: is of a listener')
    expect(await told('-f', dump, dump)).toContain('--follow: one dump at a time')
    expect(await told('-f', '-')).toContain('--follow: standard input')
    expect(await told('-f', `${dump}.gz`)).toContain(
      'is compressed, or JSON; only a dump of frames can be followed',
    )
    expect(await told('-n', 'x', '--since', 'never', 'missing.febe')).toMatch(
      /--lines.*[\s\S]*--since[\s\S]*missing\.febe/,
    )
  })
})

describe('a dump', () => {
  test('-n: the last ones; -f: what is added', async () => {
    const dump = join(root, 'grows.febe')
    writeFileSync(dump, Buffer.concat([hello(2), ring(7n, 1n), logs(1, 100)]))
    const last = tail([dump, '-n', '2', '--format', 'json'])
    expect(await last.exited).toBe(0)
    expect(last.messages).toEqual(messages(99, 100))
    const watching = tail([dump, '-n', '1', '-f', '--format', 'json'])
    await watching.untilShown('message 100')
    writeFileSync(dump, logs(101, 102), { flag: 'a' })
    await watching.untilShown('message 102')
    expect(await watching.interrupt()).toBe(0)
    expect(watching.messages).toEqual(messages(100, 102))
  })

  test('compressed and cut off: what can be read is shown, exit status 3', async () => {
    const dump = join(root, 'cut.febe.gz')
    const bytes = gzipSync(Buffer.concat([hello(2), ring(7n, 1n), logs(1, 20_000)]))
    writeFileSync(dump, bytes.subarray(0, bytes.length >> 1))
    const cut = tail([dump, '--format', 'json'])
    expect(await cut.exited).toBe(3)
    expect(cut.messages.slice(0, 1000)).toEqual(messages(1, 1000))
    expect(cut.said.join()).toContain('the compressed file is cut off')
  })
})
