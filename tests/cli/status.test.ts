import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeLog } from '../../src/log.ts'
import { type ControlServer, controlPath, serveControl } from '../../src/observe/control.ts'
import type { Snapshot } from '../../src/observe/snapshot.ts'
import { parseSnapshot } from '../../src/observe/snapshot-json.ts'
import { exporterSnapshot, listenerSnapshot, NOW_MS, snapshotWith } from '../observe/snapshots.ts'
import { waitUntil } from '../support/wait-until.ts'
import { run } from './run.ts'

const MAIN = join(import.meta.dir, '../../src/cli/main.ts')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync('/tmp/pgturret-status-')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let control: ControlServer | undefined
afterEach(async () => {
  await control?.stop()
  control = undefined
})

let names = 0
/** A listener's control socket; returns the path of the socket for records that it belongs to. */
async function serve(
  snapshot: () => Snapshot = snapshotWith,
  socket = join(folder, `${names++}.sock`),
): Promise<string> {
  const log = makeLog(() => undefined, true)
  control = await serveControl({ path: controlPath(socket), mode: 0o600, snapshot, log })
  return socket
}

/** A listener that receives and delivers ten records between two looks, a second apart. */
function busy(): () => Snapshot {
  let looks = 0
  return () => {
    looks++
    return snapshotWith({
      nowMs: NOW_MS + looks * 1000,
      listener: listenerSnapshot({ records: looks * 10 }),
      exporters: [exporterSnapshot({ delivered: looks * 10 })],
    })
  }
}

describe('once', () => {
  test('a table', async () => {
    const { code, stdout, stderr } = await run(['status', '--socket', await serve()])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toStartWith('pgturret 1.2.3  pid 4242, up 3h 12m, ready\n')
    expect(stdout).toMatch(/^warehouse +sending +1,233,900 +- /m)
    expect(stdout).not.toContain('\x1b')
  })

  test('the socket is found where a listener listens by default', async () => {
    await serve(snapshotWith, join(folder, 'pgturret/log.sock'))
    const { code, stdout } = await run(['status', '--json'], { XDG_RUNTIME_DIR: folder })
    expect([code, JSON.parse(stdout).pid]).toEqual([0, 4242])
  })

  test('--json: one line that holds everything', async () => {
    const { code, stdout } = await run(['status', '--json', '--socket', await serve()])
    expect(code).toBe(0)
    expect(stdout.trimEnd()).not.toContain('\n')
    expect(parseSnapshot(stdout)).toEqual(snapshotWith())
  })

  test('on a terminal: coloured, unless NO_COLOR', async () => {
    const words = ['status', '--once', '--socket', await serve()]
    expect((await run(words, {}, { stdoutIsTerminal: true })).stdout).toContain('\x1b[32mready')
    expect((await run(words, { NO_COLOR: '1' }, { stdoutIsTerminal: true })).stdout).not.toContain('\x1b')
  })
})

test('a terminal that cannot be written over gets it once', async () => {
  const { code, stdout } = await run(
    ['status', '--socket', await serve()],
    { TERM: 'dumb' },
    { stdoutIsTerminal: true },
  )
  expect(code).toBe(0)
  expect(stdout).not.toContain('\x1b')
})

describe('what is wrong', () => {
  test('no listener', async () => {
    const socket = join(folder, 'nobody.sock')
    expect(await run(['status', '--socket', socket])).toEqual({
      code: 2,
      stdout: '',
      stderr: `pgturret: no listener answers at "${socket}.control"; is "pgturret listen" running? give its --socket\n`,
    })
  })

  test('options that exclude each other, and one that is unknown', async () => {
    const { code, stderr } = await run(['status', '--once', '--watch', '--interval', '1ms', '--sockt=x', 'y'])
    expect(code).toBe(2)
    expect(stderr).toContain('--watch and --once exclude each other')
    expect(stderr).toContain('--interval: expected at least 100ms')
    expect(stderr).toContain('did you mean --socket?')
    expect(stderr).toContain('"y": unexpected argument')
  })
})

describe('again and again', () => {
  test('--watch --json: a line per look, until a signal', async () => {
    let stop: ((signal: NodeJS.Signals) => void) | undefined
    let stdout = ''
    const socket = await serve(busy())
    const running = run(
      ['status', '--watch', '--json', '--interval', '100ms', '--socket', socket],
      {},
      {
        print: (text) => {
          stdout += text
          if (stdout.split('\n').length > 3) stop?.('SIGINT')
        },
        onSignal: (_, callback) => {
          stop = callback
        },
      },
    )
    expect((await running).code).toBe(0)
    const records = stdout
      .trimEnd()
      .split('\n')
      .map((line) => parseSnapshot(line)?.listener.records)
    expect(records).toEqual([10, 20, 30])
  })

  /** A status that runs on a terminal of its own. */
  async function onTerminal(socket: string, size: { cols: number; rows: number }) {
    let screen = ''
    const data = (_: unknown, bytes: Uint8Array) => {
      screen += new TextDecoder().decode(bytes)
    }
    const words = [process.execPath, MAIN, 'status', '--interval', '100ms', '--socket', socket]
    const env = { ...process.env, TERM: 'xterm', NO_COLOR: '1' }
    const child = Bun.spawn(words, { env, terminal: { ...size, data } })
    return {
      until: (phrase: string | RegExp) =>
        waitUntil(
          () => screen,
          (text) => text.search(phrase) >= 0,
          String(phrase),
        ),
      press: (key: string) => child.terminal!.write(key),
      resize: (cols: number) => child.terminal!.resize(cols, size.rows),
      exited: child.exited.finally(() => child.terminal?.close()),
    }
  }

  test('a terminal: in place, with rates, until Ctrl-C', async () => {
    const status = await onTerminal(await serve(busy()), { cols: 120, rows: 30 })
    await status.until('received  30 records; 10 per second')
    // Up to its first line, and over it.
    const screen = await status.until(/\x1b\[6A\rpgturret 1\.2\.3.*\x1b\[K\r\n/)
    expect(screen).toMatch(/warehouse +sending +20 +10 /)
    status.press('\x03')
    expect(await status.exited).toBe(0)
  })

  test('a terminal that is small, and gets smaller', async () => {
    const exporters = Array.from({ length: 20 }, (_, i) => exporterSnapshot({ name: `exporter-${i}` }))
    const status = await onTerminal(await serve(() => snapshotWith({ exporters })), { cols: 60, rows: 10 })
    await status.until(/exporter-1 .{40,48}….*\r\n/)
    await status.until('… 17 more')
    status.resize(40)
    await status.until(/exporter-1 .{20,28}…\x1b\[K/)
    status.press('\x03')
    expect(await status.exited).toBe(0)
  })

  test('a listener that goes is waited for', async () => {
    const socket = await serve()
    const status = await onTerminal(socket, { cols: 200, rows: 30 })
    await status.until('warehouse')
    await control?.stop()
    await status.until('; waiting for it')
    await serve(() => snapshotWith({ version: '1.2.4' }), socket)
    await status.until('pgturret 1.2.4')
    status.press('\x03')
    expect(await status.exited).toBe(0)
  })
})
