import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { HttpSink } from '../../bench/sinks.ts'
import { Arrived } from '../e2e/arrived.ts'
import { BOOT, dumpOf, logs } from '../kafka/envelopes.ts'
import { BINARY, runBinary } from '../support/binary.ts'
import { waitUntil } from '../support/wait-until.ts'
import { committed, createTopic, fillTopic, produce } from './kafka-topics.ts'
import { withService } from './with-service.ts'

/** Many machines with Kafka in the middle: the real binary reads a topic in a group, and forwards. */

const live = await withService('kafka')
const LONG_MS = 120_000
setDefaultTimeout(60_000)
const COUNT = 60_000
const GROUP = ['--group', 'forwarders', '--group-session', '2s']

describe.skipIf(live.missing !== undefined)('forwarders', () => {
  let broker: string
  let folder: string
  const children: Bun.Subprocess[] = []
  beforeAll(() => {
    folder = mkdtempSync('/tmp/pgturret-forwarders-')
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

  test('JSON comes back as it was sent, every byte of it, and is committed', async () => {
    await createTopic(broker, 'jsons', { partitions: 1 })
    await fill('jsons', { compression: 'lz4' }, 500)
    await Bun.write(join(folder, 'jsons.febe'), dumpOf(logs(500)))
    const words = ['--group', 'jsons', '--idle', '2s']
    const [told, sent] = [
      await replay('jsons', ...words),
      await runBinary(['replay', 'jsons.febe'], { cwd: folder }),
    ]
    expect(told).toMatchObject({ code: 0 })
    expect(told.stdout.split('\n')).toHaveLength(501)
    expect(told.stdout).toBe(sent.stdout)
    expect((await replay('jsons', ...words)).stdout).toBe('')
  })

  test('JSON that is damaged is passed over, and told', async () => {
    await createTopic(broker, 'torn', { partitions: 1 })
    await fill('torn', {}, 2)
    await produce(broker, 'torn', ['{"timestamp":'])
    await fill('torn', {}, 3)
    const run = await replay('torn', '--group', 'torn', '--idle', '2s')
    expect(run.code).toBe(3)
    expect(run.stdout.split('\n')).toHaveLength(6)
    expect(run.stderr).toContain('torn, partition 0, offset 2: it is no JSON')
  })

  const refused = async (topic: string, why: string) => {
    for (let turn = 0; turn < 2; turn++) {
      const run = await replay(topic, '--group', topic, '--idle', '2s')
      expect(run.code).toBe(3)
      expect(run.stderr).toContain(`${topic}, partition 0, offset 0: not a record of pgturret`)
      expect(run.stderr).toContain(why)
    }
  }

  test('a topic of something else is refused, and nothing of it is passed over', async () => {
    await createTopic(broker, 'orders', { partitions: 1 })
    await produce(broker, 'orders', ['{"order":17}'])
    await refused('orders', 'it has no')
    await createTopic(broker, 'otlp', { partitions: 1 })
    await fill('otlp', { records: 'otlp' }, 10)
    await refused('otlp', 'it is neither frames nor JSON')
  })

  test('a topic that is not there ends it', async () => {
    const run = await replay('nowhere', '--group', 'g')
    expect(run.code).toBe(2)
    expect(run.stderr).toContain('the topic is not there')
  })
})
