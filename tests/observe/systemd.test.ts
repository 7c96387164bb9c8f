import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeLog } from '../../src/log.ts'
import { type Notifier, notifier } from '../../src/observe/systemd.ts'
import { CAN_RECEIVE, receiveDatagrams } from './datagrams.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync('/tmp/pgturret-notify-')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const endings: (() => unknown)[] = []
let logged = ''
afterEach(async () => {
  for (const end of endings.splice(0)) await end()
  logged = ''
})

const log = makeLog((line) => {
  logged += line
}, true)

let names = 0
async function receiver(held = false) {
  const address = join(folder, `notify-${names++}`)
  const datagrams = await receiveDatagrams(address, held)
  endings.push(datagrams.stop)
  return { ...datagrams, address, all: () => datagrams.received }
}

function notifierFor(env: Record<string, string>): Notifier {
  const made = notifier(env, log)
  endings.push(() => made.stop())
  return made
}

const is = (text: string) => (message: string) => message === text

describe.if(CAN_RECEIVE)('tells systemd', () => {
  test('each state, in order', async () => {
    const { address, until, all } = await receiver()
    const systemd = notifierFor({ NOTIFY_SOCKET: address })
    systemd.ready()
    systemd.status('12 records received')
    systemd.reloading()
    systemd.ready()
    systemd.stopping()
    await until(is('STOPPING=1'), 'the last state')
    expect(all().map((message) => message.replace(/USEC=\d+$/, 'USEC=…'))).toEqual([
      'READY=1',
      'STATUS=12 records received',
      'RELOADING=1\nMONOTONIC_USEC=…',
      'READY=1',
      'STOPPING=1',
    ])
  })

  test('an abstract name', async () => {
    const address = `@pgturret-test-${process.pid}`
    const datagrams = await receiveDatagrams(address)
    endings.push(datagrams.stop)
    expect(readFileSync('/proc/net/unix', 'utf8')).toContain(`${address}\n`)
    notifierFor({ NOTIFY_SOCKET: address }).ready()
    await datagrams.until(is('READY=1'), 'READY')
  })

  test("a reload's time is the system's", async () => {
    const { address, until } = await receiver()
    // /proc/uptime counts sleep of the machine too, so it is the later one; and it has two digits after the point.
    const uptime = () => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1e6
    const systemd = notifierFor({ NOTIFY_SOCKET: address })
    systemd.reloading()
    const message = await until((one) => one.startsWith('RELOADING=1'), 'RELOADING')
    const time = Number(/MONOTONIC_USEC=(\d+)$/.exec(message)?.[1])
    expect(time).toBeGreaterThan(process.uptime() * 1e6)
    expect(time).toBeLessThanOrEqual(uptime() + 20_000)
  })

  test('a status is one line, whatever is in it', async () => {
    const { address, until } = await receiver()
    notifierFor({ NOTIFY_SOCKET: address }).status(`a\nREADY=1\x1b${'x'.repeat(1000)}`)
    const message = await until((one) => one.startsWith('STATUS='), 'STATUS')
    expect(message).toStartWith('STATUS=a READY=1 xxx')
    expect(message.length).toBeLessThan(520)
  })

  test('what finds no room is told later', async () => {
    const { address, until, release } = await receiver(true)
    const systemd = notifierFor({ NOTIFY_SOCKET: address })
    for (let i = 0; i < 1000; i++) systemd.status(`${i} ${'x'.repeat(400)}`)
    systemd.ready()
    release()
    await until(is('READY=1'), 'READY')
    await until((one) => one.startsWith('STATUS=999 '), 'the last status')
  })
})

describe.if(CAN_RECEIVE)('the watchdog', () => {
  const watchdogs = (messages: readonly string[]) => messages.filter(is('WATCHDOG=1')).length

  test('is fed twice in its time, from READY on', async () => {
    const { address, all, until } = await receiver()
    const systemd = notifierFor({ NOTIFY_SOCKET: address, WATCHDOG_USEC: '100000' })
    const began = performance.now()
    systemd.ready()
    await until(() => watchdogs(all()) >= 5, 'five')
    // The first is at once.
    expect(performance.now() - began).toBeGreaterThan(4 * 50 - 10)
    expect(all()[0]).toBe('READY=1')
  })

  test('starves when the event loop does not turn', async () => {
    const { address, all, until } = await receiver()
    notifierFor({ NOTIFY_SOCKET: address, WATCHDOG_USEC: '20000' }).ready()
    await until(() => watchdogs(all()) >= 2, 'two')
    const before = watchdogs(all())
    Bun.sleepSync(400)
    // Twenty beats were missed for each that comes now.
    await until(() => watchdogs(all()) > before, 'another one')
    expect(watchdogs(all()) - before).toBeLessThan(10)
  })

  test.each([
    ['watches another process', { WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' }],
    ['is off', {}],
    ['has no time', { WATCHDOG_USEC: 'soon' }],
  ])('is not fed when it %s', async (_, env) => {
    const { address, all, until } = await receiver()
    const systemd = notifierFor({ NOTIFY_SOCKET: address, ...env })
    systemd.ready()
    systemd.stopping()
    await until(is('STOPPING=1'), 'the last state')
    expect(watchdogs(all())).toBe(0)
  })

  test('is not fed after the end', async () => {
    const { address, all, until } = await receiver()
    const systemd = notifierFor({
      NOTIFY_SOCKET: address,
      WATCHDOG_USEC: '10000',
      WATCHDOG_PID: String(process.pid),
    })
    systemd.ready()
    await until(() => watchdogs(all()) >= 2, 'two')
    systemd.stop()
    systemd.ready()
    const other = notifierFor({ NOTIFY_SOCKET: address })
    other.stopping()
    await until(is('STOPPING=1'), 'word of another')
    expect(all().at(-1)).toBe('STOPPING=1')
    expect(all().filter(is('READY=1'))).toHaveLength(1)
  })
})

describe('never throws', () => {
  const everything = (systemd: Notifier) => {
    systemd.ready()
    systemd.reloading()
    systemd.status('x')
    systemd.stopping()
    systemd.stop()
    systemd.stop()
  }

  test('nobody asked', () => {
    everything(notifier({}, log))
    everything(notifier({ NOTIFY_SOCKET: '' }, log))
    expect(logged).toBe('')
  })

  test('nobody receives', () => everything(notifier({ NOTIFY_SOCKET: join(folder, 'nobody') }, log)))

  test.each(['relative/path', 'vsock:2:1234', `/${'x'.repeat(200)}`])('no address: %p', (address) => {
    everything(notifier({ NOTIFY_SOCKET: address }, log))
    expect(logged.match(/systemd is not told/g)).toHaveLength(1)
  })
})

describe.if(CAN_RECEIVE)('compiled', () => {
  test('an executable tells as well', async () => {
    const source = join(folder, 'told.ts')
    const path = JSON.stringify(join(import.meta.dir, '../../src/observe/systemd.ts'))
    writeFileSync(
      source,
      `import { notifier } from ${path}
const systemd = notifier(process.env, { warn: (text) => console.error(text) })
systemd.ready(); systemd.reloading(); systemd.stopping()`,
    )
    const outfile = join(folder, 'told')
    await Bun.build({ entrypoints: [source], compile: { outfile } })
    const { address, until, all } = await receiver()
    const child = Bun.spawn([outfile], { env: { NOTIFY_SOCKET: address }, stderr: 'pipe' })
    expect(await new Response(child.stderr).text()).toBe('')
    await until(is('STOPPING=1'), 'the last state')
    expect(all()[0]).toBe('READY=1')
  }, 30_000)
})
