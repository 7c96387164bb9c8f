import { afterAll, beforeAll, expect, test } from 'bun:test'
import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.ts'
import { followDump } from '../../src/ingest/followed-file.ts'
import { waitUntil } from '../support/wait-until.ts'
import { hello, log, logs, ring, shown } from './frames.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-follow-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A dump that is followed, and what was seen of it. */
class Following {
  readonly records: string[] = []
  readonly said: string[] = []
  readonly #stop = new AbortController()
  readonly #running: Promise<void>

  constructor(path: string) {
    this.#running = followDump(path, {
      handler: { record: (record) => void this.records.push(shown(record)) },
      maxFrameBytes: 1 << 26,
      damaged: (error) => void this.said.push(error.message),
      next: async () => true,
      clock: systemClock,
      stop: this.#stop.signal,
      idle: () => undefined,
      said: (what) => void this.said.push(what),
    })
  }

  until(count: number): Promise<unknown> {
    return waitUntil(
      () => this.records,
      (records) => records.length >= count,
      `${count} records`,
    )
  }

  async untilSaid(text: string): Promise<void> {
    await waitUntil(
      () => this.said,
      (said) => said.some((one) => one.includes(text)),
      text,
    )
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }
}

const head = Buffer.concat([hello(2), ring(7n, 1n)])

test('what is appended is shown, also when a record comes in two writes', async () => {
  const path = join(folder, 'grows')
  writeFileSync(path, Buffer.concat([head, logs(1, 3)]))
  const following = new Following(path)
  await following.until(3)
  const fourth = log(4)
  appendFileSync(path, fourth.subarray(0, 20))
  appendFileSync(path, Buffer.concat([fourth.subarray(20), log(5)]))
  await following.until(5)
  await following.stop()
  expect(following.records.map((one) => one.split(' ')[0])).toEqual(['1', '2', '3', '4', '5'])
  expect(following.said).toEqual([])
})

test('one that is not there is waited for', async () => {
  const path = join(folder, 'late')
  const following = new Following(path)
  await following.untilSaid('waiting for it')
  writeFileSync(path, Buffer.concat([head, logs(1, 2)]))
  await following.until(2)
  await following.stop()
})

test('one that is rotated is read to its end, and then the new one from its beginning', async () => {
  const path = join(folder, 'rotates')
  writeFileSync(path, Buffer.concat([head, logs(1, 2)]))
  const following = new Following(path)
  await following.until(2)
  renameSync(path, `${path}.1`)
  appendFileSync(`${path}.1`, log(3))
  await following.untilSaid('waiting for it')
  writeFileSync(`${path}.new`, Buffer.concat([hello(2), ring(7n, 4n), logs(4, 5)]))
  renameSync(`${path}.new`, path)
  await following.until(5)
  appendFileSync(path, log(6))
  await following.until(6)
  await following.stop()
  expect(following.records.map((one) => one.split(' ')[0])).toEqual(['1', '2', '3', '4', '5', '6'])
})

test('one that was cut is read anew', async () => {
  const path = join(folder, 'cut')
  writeFileSync(path, Buffer.concat([head, logs(1, 50)]))
  const following = new Following(path)
  await following.until(50)
  truncateSync(path, 0)
  await following.untilSaid('was cut')
  appendFileSync(path, Buffer.concat([head, logs(1, 1)]))
  await following.until(51)
  await following.stop()
})
