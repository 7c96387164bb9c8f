import { describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { exporterTo } from '../../src/cli/destinations.ts'
import { destinationOf, onStage, wordsOf } from '../exporters/conformance/stage.ts'
import type { ExporterFlags, Harness, Received, Subject, Target } from '../exporters/conformance.ts'
import { conformance } from '../exporters/conformance.ts'
import { waitUntil } from '../support/wait-until.ts'
import { PROOF, PROOF_MS, prove } from './proof.ts'
import { BUCKET, ROOT } from './services/versitygw.ts'
import { withService } from './with-service.ts'

/** The s3 destination against a real S3 server, which keeps its objects as files. */

const [gateway, toxiproxy] = [await withService('versitygw'), await withService('toxiproxy')]

const flags = (): ExporterFlags => ({
  endpoint: gateway.running.addresses['s3']!,
  pathStyle: true,
  accessKeyId: ROOT.accessKey,
  secretAccessKey: ROOT.secretKey,
})

let prefixes = 0

/** Objects of one prefix of the bucket. */
class Folder implements Harness {
  readonly prefix = `case-${prefixes++}`
  readonly path = join(gateway.running.addresses['folder']!, this.prefix)

  target(): Target {
    return { to: `s3://${BUCKET}/${this.prefix}`, options: flags() }
  }

  /** Keys below the prefix, in the order in which they were stored. */
  keys(): string[] {
    const found = readdirSync(this.path, { recursive: true, encoding: 'utf8' })
    return found.filter((one) => one.includes('.ndjson')).sort()
  }

  lines(): Record<string, unknown>[] {
    return this.keys().flatMap((key) => {
      const bytes = readFileSync(join(this.path, key))
      const text = key.endsWith('.zst')
        ? Buffer.from(Bun.zstdDecompressSync(bytes))
        : key.endsWith('.gz')
          ? gunzipSync(bytes)
          : bytes
      return text
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
    })
  }

  received(): Received[] {
    try {
      return this.lines().map((one) => ({
        message: String(one['message']),
        detail: one['detail'] as string | undefined,
      }))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }

  kill(): Promise<void> {
    return gateway.running.kill()
  }

  restart(): Promise<void> {
    return gateway.running.restart()
  }

  async stop(): Promise<void> {
    await gateway.running.restart()
    rmSync(this.path, { recursive: true, force: true })
  }
}

const subject: Subject = { exporter: 's3', start: async () => new Folder() }

const CANNOT = 'a real server cannot be told to'
const NO_TLS = 'the server speaks no TLS here'

conformance({
  ...subject,
  unavailable: gateway.missing,
  skips: {
    'refused in part': CANNOT,
    'to be sent again in part': CANNOT,
    'refused for good': CANNOT,
    'too large is split': CANNOT,
    'blocked holds': CANNOT,
    'busy is waited for': CANNOT,
    'Retry-After is honoured': CANNOT,
    'told to stop, it stops': CANNOT,
    'secrets are shown nowhere': 'its secret is its own',
    'TLS with a private CA': NO_TLS,
    'another CA is refused': NO_TLS,
    'mutual TLS': NO_TLS,
    HTTPS_PROXY: NO_TLS,
  },
})

describe.skipIf(gateway.missing !== undefined)('a real server', () => {
  test.skipIf(toxiproxy.missing !== undefined)(
    PROOF,
    () => {
      const folder = new Folder()
      return prove({
        name: 's3',
        toxiproxy: toxiproxy.running,
        upstream: new URL(gateway.running.addresses['s3']!).host,
        words: (at) => [
          ...wordsOf(subject, { ...folder.target(), options: { ...flags(), endpoint: `http://${at}` } }),
          ...['--s3-batch-bytes=500kB', '--s3-rotate-age=1ms'],
        ],
        server: gateway.running,
        arrived: () =>
          folder.lines().map(({ uid, message }) => ({ uid: String(uid), message: String(message) })),
        mostRepeats: 0,
      })
    },
    PROOF_MS,
  )

  test.each([
    ['another secret', { secretAccessKey: 'wrong' }],
    ['another key', { accessKeyId: 'nobody' }],
  ])('%s: it is said, and records are kept', async (_, wrong) => {
    await onStage(
      subject,
      async (stage) => {
        stage.say('kept')
        await waitUntil(
          () => stage.delivery.state,
          (state) => state === 'blocked',
          'it to say that a person is needed',
        )
        expect(stage.delivery.stats).toMatchObject({ delivered: 0, rejected: 0 })
        expect(stage.said.join('')).toMatch(/SignatureDoesNotMatch|UserNotFound/)
      },
      { flags: wrong },
    )
  })

  test('objects in parts are whole, and are not written over', async () => {
    const noise = Array.from({ length: 300 }, () =>
      crypto.getRandomValues(Buffer.alloc(40_000)).toString('base64'),
    )
    await onStage(
      subject,
      async (stage) => {
        const folder = stage.harness as Folder
        stage.say(...noise)
        await stage.settled()
        expect(folder.received().map(({ message }) => message)).toEqual(noise)
        expect(folder.keys()).toHaveLength(1)
      },
      { flags: { partBytes: '5MB', objectFormat: 'ndjson' } },
    )
  })

  test('a bucket that is not there', async () => {
    const destination = destinationOf(subject, { to: 's3://missing-bucket', options: flags() })
    const exporter = exporterTo(destination)
    await expect(exporter.check!(new AbortController().signal)).rejects.toThrow(
      'there is no bucket "missing-bucket"',
    )
  })
})

const duckdb = await withService('duckdb')
const neither = gateway.missing ?? duckdb.missing

describe.skipIf(neither !== undefined)('DuckDB', () => {
  /** Rows of a query. */
  async function rows(query: string): Promise<unknown> {
    const response = await fetch(duckdb.running.addresses['queries']!, { method: 'POST', body: query })
    const answer = await response.json()
    if (!response.ok) throw new Error(`${query}: ${answer}`)
    return answer
  }

  test.each(['ndjson.zst', 'ndjson.gz'])('reads %s by partition', (objectFormat) =>
    onStage(
      subject,
      async (stage) => {
        const { path } = stage.harness as Folder
        stage.say(...Array.from({ length: 500 }, (_, n) => `record ${n}`))
        await stage.settled()
        const objects = `read_json('${path}/**/*.${objectFormat}', format = 'newline_delimited', hive_partitioning = true, union_by_name = true)`
        const here = "WHERE dt = '2026-03-01' AND hour = 12"
        expect(
          await rows(
            `SELECT identity, dt, hour, count(*), count(DISTINCT uid) FROM ${objects} ${here} GROUP BY ALL`,
          ),
        ).toEqual([['shop', '2026-03-01', 12, 500, 500]])
        // Types are found by themselves.
        expect(
          await rows(`SELECT DISTINCT typeof(seq), typeof(pid), typeof(message) FROM ${objects}`),
        ).toEqual([['BIGINT', 'BIGINT', 'VARCHAR']])
        expect(await rows(`SELECT count(*) FROM ${objects} WHERE dt = '2026-03-02'`)).toEqual([[0]])
      },
      { flags: { objectFormat } },
    ),
  )
})
