import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { HttpSink } from '../../bench/sinks.ts'
import { Arrived } from '../e2e/arrived.ts'
import { BOOT, dumpOf, logs } from '../kafka/envelopes.ts'
import { BINARY, runBinary } from '../support/binary.ts'
import { waitUntil } from '../support/wait-until.ts'
import { committed, createTopic, fillTopic } from './kafka-topics.ts'
import { withService } from './with-service.ts'

/** Many machines with Kafka in the middle: the real binary reads a topic in a group, and forwards. */

const live = await withService('kafka')
const LONG_MS = 120_000
setDefaultTimeout(60_000)
const COUNT = 60_000
const GROUP = ['--group', 'forwarders', '--group-session', '2s']

describe.skipIf(live.missing !== undefined)('forwarders', () => {
  let broker: string
  const folder = mkdtempSync('/tmp/pgturret-forwarders-')
  const children: Bun.Subprocess[] = []
  beforeAll(() => {
    broker = live.running.addresses['kafka']!
  })
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  const fill = (topic: string, flags: Record<string, unknown>, count: number) =>
    fillTopic(broker, topic, flags, count)

  const replay = (topic: string, ...more: string[]) =>
    runBinary(['replay', `kafka://${broker}/${topic}`, ...more], { cwd: folder })

  test(
    'one is killed, and the other ends what it began',
    async () => {
      await createTopic(broker, 'middle', { partitions: 4 })
      await fill('middle', { records: 'febe', compression: 'lz4' }, COUNT)
      const arrived = new Arrived()
      let uids = 0
      const sink = new HttpSink((text) => {
        arrived.take(text)
        uids = [...arrived.uids].length
      })
      sink.up()
      const forwarder = () => {
        const words = ['replay', `kafka://${broker}/middle`, ...GROUP, '--to', sink.url]
        const child = Bun.spawn([BINARY, ...words, '--http-batch-records', '500'], {
          cwd: folder,
          stdin: 'ignore',
          stdout: 'ignore',
          stderr: 'ignore',
        })
        children.push(child)
        return child
      }
      const [first, second] = [forwarder(), forwarder()]
      await waitUntil(
        () => uids,
        (count) => count > COUNT / 4,
        'a quarter',
        { timeoutMs: 60_000 },
      )
      first.kill('SIGKILL')
      await waitUntil(
        () => uids,
        (count) => count === COUNT,
        'all of them',
        { timeoutMs: 60_000 },
      )
      const expected = Array.from({ length: COUNT }, (_, n) => `${BOOT.toString(16)}-${n + 1}`)
      expect([...arrived.uids].sort()).toEqual(expected.sort())
      expect(arrived.complaints).toEqual([])
      // What the first one had sent without committing it comes again, once its partitions are given to the second.
      await waitUntil(
        () => committed(broker, 'forwarders'),
        (records) => records === COUNT,
        'all of them to be committed',
        { timeoutMs: 60_000, intervalMs: 100 },
      )
      second.kill('SIGTERM')
      expect(await second.exited).toBe(0)
      sink.down()
      // A third finds nothing left.
      const third = await replay('middle', ...GROUP, '--idle', '2s')
      expect({ code: third.code, lines: third.stdout.split('\n').length - 1 }).toEqual({ code: 0, lines: 0 })
    },
    LONG_MS,
  )

  test('what comes back is what the database sent', async () => {
    await createTopic(broker, 'exact', { partitions: 1 })
    await fill('exact', { records: 'febe' }, 500)
    const file = join(folder, 'back.febe')
    const words = ['--group', 'exact', '--idle', '2s', '--format', 'febe', '--to', `file://${file}`]
    expect(await replay('exact', ...words)).toMatchObject({ code: 0 })
    await Bun.write(join(folder, 'sent.febe'), dumpOf(logs(500)))
    // A dump may say again where its records come from: what counts is what is read out of it.
    const [told, sent] = [
      await runBinary(['replay', file], { cwd: folder }),
      await runBinary(['replay', 'sent.febe'], { cwd: folder }),
    ]
    expect(told.stdout.split('\n')).toHaveLength(501)
    expect(told.stdout).toBe(sent.stdout)
  })

  test('a topic of JSON is refused, and nothing of it is passed over', async () => {
    await createTopic(broker, 'jsons', { partitions: 1 })
    await fill('jsons', {}, 10)
    for (let turn = 0; turn < 2; turn++) {
      const run = await replay('jsons', '--group', 'jsons', '--idle', '2s')
      expect(run.code).toBe(3)
      expect(run.stderr).toContain('jsons, partition 0, offset 0: not a record as it came')
    }
  })

  test('a topic that is not there ends it', async () => {
    const run = await replay('nowhere', '--group', 'g')
    expect(run.code).toBe(2)
    expect(run.stderr).toContain('the topic is not there')
  })
})
