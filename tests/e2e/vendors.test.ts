import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeDump } from '../../bench/generator.ts'
import { AXIOM, eventsOf } from '../exporters/axiom-api.ts'
import { DATADOG, logsOf } from '../exporters/datadog-api.ts'
import { type HttpApi, HttpHarness } from '../exporters/http-harness.ts'
import { envelopeOf, SENTRY } from '../exporters/sentry-api.ts'
import { BINARY } from '../support/binary.ts'
import { waitUntil } from '../support/wait-until.ts'

/**
 * The executable and vendors that nobody can start here: their APIs as far as their rules are known, killed twice while
 * 100,000 records come.
 */

const RECORDS = 100_000
/** After so many the server is killed, and started again. */
const KILLS = [20_000, 60_000]

let folder: string
let dump: string

beforeAll(() => {
  folder = mkdtempSync('/tmp/pgturret-vendors-')
  dump = join(folder, 'pg.febe')
  const fd = openSync(dump, 'w')
  writeDump(fd, RECORDS)
  closeSync(fd)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const uidsOf = (events: readonly Readonly<Record<string, unknown>>[]) =>
  events.map(({ uid }) => ({ message: String(uid) }))

/** The vendors' APIs, of which each record is its unique id. */
const VENDORS: Readonly<Record<string, { readonly api: HttpApi; readonly words: readonly string[] }>> = {
  axiom: {
    api: { ...AXIOM, records: (seen) => uidsOf(eventsOf(seen)) },
    words: ['--axiom-token=xaat-1'],
  },
  datadog: {
    api: { ...DATADOG, records: (seen) => uidsOf(logsOf(seen)) },
    words: ['--datadog-api-key=key', '--datadog-compression=zstd'],
  },
  sentry: {
    api: {
      ...SENTRY,
      records: (seen) =>
        envelopeOf(seen).items.flatMap(({ header, payload }) =>
          header.type === 'event'
            ? uidsOf([payload.extra as Record<string, unknown>])
            : payload.items.map(({ attributes }) => ({
                message: String(attributes!['log.record.uid']!.value),
              })),
        ),
    },
    words: ['--sentry-key=key'],
  },
}

describe.each(Object.entries(VENDORS))('%s', (_, { api, words }) => {
  test('has every record, although it was killed twice', async () => {
    const server = new HttpHarness(api)
    const command = [BINARY, 'replay', dump, '--to', server.target('').to, ...words]
    const child = Bun.spawn(command, { stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' })
    const said = new Response(child.stderr).text()
    try {
      for (const count of KILLS) {
        await waitUntil(
          () => server.received().length,
          (length) => length >= count,
          `${count} records`,
        )
        await server.kill()
        await server.restart()
      }
      expect([await child.exited, await said]).toEqual([0, expect.not.stringContaining('refused')])
      const uids = new Set(server.received().map(({ message }) => message))
      expect(uids.size).toBe(RECORDS)
      // What was on its way when it was killed may have come twice.
      expect(server.received().length).toBeLessThan(RECORDS * 1.3)
    } finally {
      child.kill('SIGKILL')
      await child.exited
      await server.stop()
    }
  }, 120_000)
})
