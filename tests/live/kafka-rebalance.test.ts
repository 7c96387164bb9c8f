import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Consumer } from '@platformatic/kafka'
import { BINARY } from '../support/binary.ts'
import { type WaitOptions, waitUntil } from '../support/wait-until.ts'
import { committed, createTopic, fillTopic, membersOf, readTopic } from './kafka-topics.ts'
import { withService } from './with-service.ts'

/** A group that deals its partitions anew while a member has read records, and has not committed them. */

const live = await withService('kafka')
setDefaultTimeout(90_000)
const PATIENT: WaitOptions = { timeoutMs: 30_000, intervalMs: 50 }
/** All of one partition come to the destinations in one batch. */
const COUNT = 300

/** A destination over HTTP that keeps everybody waiting for its answers until it is opened. */
class Gate {
  readonly #opened = Promise.withResolvers<void>()
  readonly #server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    // The sender cuts the connection when it is killed: that is no news.
    error: () => new Response('', { status: 500 }),
    fetch: async (request) => {
      await request.text()
      await this.#opened.promise
      return new Response('')
    },
  })
  readonly url = this.#server.url.href

  open(): void {
    this.#opened.resolve()
  }

  async close(): Promise<void> {
    await this.#server.stop(true)
  }
}

describe.skipIf(live.missing !== undefined)('a group that deals anew', () => {
  let broker: string
  let folder: string
  const children: Bun.Subprocess[] = []
  const gates: Gate[] = []
  beforeAll(() => {
    folder = mkdtempSync('/tmp/pgturret-rebalance-')
    broker = live.running.addresses['kafka']!
  })
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    for (const gate of gates) await gate.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** A forwarder to a file and to further destinations, in a group that is called like the topic. */
  const forwarder = (topic: string, ...more: string[]) => {
    const words = ['replay', `kafka://${broker}/${topic}`, '--group', topic, '--group-session', '2s']
    const child = Bun.spawn([BINARY, ...words, '--to', `file://${fileOf(topic)}`, ...more], {
      cwd: folder,
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'inherit',
    })
    children.push(child)
    return child
  }

  const gate = () => {
    const made = new Gate()
    gates.push(made)
    return made
  }

  const fileOf = (topic: string) => join(folder, `${topic}.ndjson`)

  /** Unique ids of what has been handed on. */
  const handedOn = (topic: string): Set<string> => {
    if (!existsSync(fileOf(topic))) return new Set()
    const lines = readFileSync(fileOf(topic), 'utf8').split('\n').slice(0, -1)
    return new Set(lines.map((line) => JSON.parse(line).uid))
  }

  const untilHandedOn = (topic: string, count: number) =>
    waitUntil(
      () => handedOn(topic).size,
      (found) => found === count,
      `${count} records of ${topic}`,
      PATIENT,
    )

  const untilCommitted = (topic: string, count: number) =>
    waitUntil(
      () => committed(broker, topic),
      (found) => found === count,
      `${count} records of ${topic} to be committed`,
      PATIENT,
    )

  const end = async (child: Bun.Subprocess) => {
    child.kill('SIGTERM')
    expect(await child.exited).toBe(0)
  }

  test('what was read before is committed after', async () => {
    await createTopic(broker, 'dealt', { partitions: 2 })
    await fillTopic(broker, 'dealt', { records: 'febe' }, COUNT)
    const ofPartition = Map.groupBy(await readTopic(broker, 'dealt', COUNT), ({ partition }) => partition)
    const other = new Consumer({
      clientId: 'other',
      groupId: 'dealt',
      bootstrapBrokers: [broker],
      sessionTimeout: 20_000,
      heartbeatInterval: 100,
    })
    await other.consume({ topics: ['dealt'], autocommit: false })
    const slow = gate()
    const child = forwarder('dealt', '--to', slow.url)
    const share = await waitUntil(
      () => other.assignments?.flatMap(({ partitions }) => partitions),
      (partitions) => partitions?.length === 1,
      'one partition for each',
      PATIENT,
    )
    await untilHandedOn('dealt', ofPartition.get(1 - share![0]!)!.length)
    await other.close(true)
    await untilHandedOn('dealt', COUNT)
    slow.open()
    await untilCommitted('dealt', COUNT)
    await end(child)
  })

  test('one that says nothing for too long joins again', async () => {
    await createTopic(broker, 'silent', { partitions: 2 })
    await fillTopic(broker, 'silent', { records: 'febe' }, COUNT)
    const slow = gate()
    const child = forwarder('silent', '--to', slow.url)
    await untilHandedOn('silent', COUNT)
    for (const more of [false, true]) {
      child.kill('SIGSTOP')
      if (more) await fillTopic(broker, 'silent', { records: 'febe' }, COUNT)
      await waitUntil(
        () => membersOf(broker, 'silent'),
        (members) => members === 0,
        'the group to give it up',
        PATIENT,
      )
      slow.open()
      child.kill('SIGCONT')
      await untilCommitted('silent', more ? 2 * COUNT : COUNT)
    }
    await end(child)
  })

  test('what comes after the first member began is not missed, though it died at once', async () => {
    await createTopic(broker, 'late', { partitions: 1 })
    await fillTopic(broker, 'late', { records: 'febe' }, 100)
    const first = forwarder('late', '--group-start', 'end')
    await untilCommitted('late', 100)
    first.kill('SIGKILL')
    await first.exited
    expect(handedOn('late').size).toBe(0)
    await fillTopic(broker, 'late', { records: 'febe' }, COUNT)
    const second = forwarder('late', '--group-start', 'end')
    await untilCommitted('late', 100 + COUNT)
    expect(handedOn('late').size).toBe(COUNT)
    await end(second)
  })
})
