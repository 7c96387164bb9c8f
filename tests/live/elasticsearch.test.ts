import { describe, expect, test } from 'bun:test'
import { onStage } from '../exporters/conformance/stage.ts'
import { conformance, type Harness, type Received, type Subject } from '../exporters/conformance.ts'
import { waitUntil } from '../support/wait-until.ts'
import type { Arrival } from './account.ts'
import { PROOF, prove } from './proof.ts'
import { withService } from './with-service.ts'

/** The elasticsearch destination and a real OpenSearch. */

/** Most documents that one search answers with. */
const MOST_HITS = 10_000
const LIFE_MS = 8 * 60_000

const [opensearch, toxiproxy] = [await withService('opensearch'), await withService('toxiproxy')]
const at = (path: string): string => `${opensearch.running.addresses['http']}/${path}`

/** Asks it, or tells it something. */
async function ask<T>(path: string, method = 'GET', body?: object): Promise<T> {
  const response = await fetch(at(path), {
    method,
    headers: { 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return (await response.json()) as T
}

interface Hits {
  readonly hits: {
    readonly total: { readonly value: number }
    readonly hits: readonly { readonly _id: string; readonly _index: string; readonly _source: Source }[]
  }
}

interface Source {
  readonly message: string
  readonly postgresql: { readonly log: Readonly<Record<string, unknown>> }
}

async function find(index: string, query: object = { match_all: {} }, size = 100): Promise<Hits['hits']> {
  await ask(`${index}/_refresh`, 'POST')
  const { hits } = await ask<Hits>(`${index}/_search`, 'POST', { query, size, track_total_hits: true })
  return hits
}

/** It outlives the case. */
const subject = (flags: Readonly<Record<string, string>> = {}): Subject => ({
  exporter: 'elasticsearch',
  start: async () => ({
    target: () => ({
      to: opensearch.running.addresses['http']!.replace('http', 'opensearch'),
      options: flags,
    }),
    received: () => [],
    stop: async () => undefined,
  }),
})

let indexes = 0

/** An index of its own for each case, of the server that all of them share. */
function indexHarness(): Harness {
  const index = `case-${indexes++}`
  return {
    target: () => ({
      to: opensearch.running.addresses['http']!.replace('http', 'opensearch'),
      options: { index },
    }),
    received: async () => {
      await ask(`${index}/_refresh`, 'POST')
      const found = await ask<Partial<Hits>>(`${index}/_search`, 'POST', {
        size: 1000,
        sort: [{ 'event.sequence': { order: 'asc', unmapped_type: 'long' } }],
      })
      return (found.hits?.hits ?? []).map(({ _source: { message, postgresql } }): Received => {
        return { message, detail: postgresql.log['detail'] as string | undefined }
      })
    },
    kill: () => opensearch.running.kill(),
    restart: () => opensearch.running.restart(),
    stop: async () => undefined,
  }
}

const UNTOLD = 'a real server does not behave as it is told'

conformance({
  exporter: 'elasticsearch',
  start: async () => indexHarness(),
  unavailable: opensearch.missing,
  timeoutMs: LIFE_MS,
  skips: {
    'refused in part': UNTOLD,
    'to be sent again in part': UNTOLD,
    'refused for good': UNTOLD,
    'too large is split': UNTOLD,
    'blocked holds': UNTOLD,
    'busy is waited for': UNTOLD,
    'Retry-After is honoured': UNTOLD,
    'told to stop, it stops': UNTOLD,
    'secrets are shown nowhere': UNTOLD,
    'check sends nothing': 'it would be killed for every other case; it is tested below',
    'TLS with a private CA': 'it has none',
    'another CA is refused': 'it has none',
    'mutual TLS': 'it has none',
    HTTP_PROXY: 'there is one in front of the fake',
    HTTPS_PROXY: 'there is one in front of the fake',
    NO_PROXY: 'there is one in front of the fake',
  },
})

describe.skipIf(opensearch.missing !== undefined)('opensearch', () => {
  test('is checked without a trace', async () => {
    await onStage(subject(), async ({ exporter }) => {
      expect(await exporter.check!(new AbortController().signal)).toContain('answered 400')
    })
    expect(await ask<object[]>('_cat/indices/logs-*?format=json')).toEqual([])
  })

  test(
    'an index: whatever comes twice is stored once, and found by its fields',
    async () => {
      for (const action of ['create', 'index']) {
        const index = `pg-{database}-${action}`
        for (let time = 0; time < 2; time++) {
          // The same records each time, with the same unique ids.
          await onStage(subject({ index, action }), async (stage) => {
            stage.offer(
              { ErrMessage: 'one', ELevel: 21, SQLState: '23505', QueryId: -8_637_085_003_156_352_615n },
              { ErrMessage: 'Grüße, 漢字, 🐘', ClientAddr: '[local]' },
              { ErrMessage: 'duration: 0.000 ms', MessageId: 'duration: %s ms', ClientAddr: '::1:5432' },
            )
            await stage.settled()
            expect(stage.letters).toEqual([])
            expect(stage.delivery.stats).toMatchObject({ delivered: 3, rejected: 0 })
          })
        }
        expect((await find(`pg-shop-${action}`)).total.value).toBe(3)
        const [found] = (
          await find(`pg-shop-${action}`, { match: { 'error.type.keyword': 'unique_violation' } })
        ).hits
        expect(found).toMatchObject({ _id: '0000000000000007-1', _source: { message: 'one' } })
        expect(
          (await find(`pg-shop-${action}`, { term: { 'postgresql.log.query_id': '-8637085003156352615' } }))
            .total.value,
        ).toBe(1)
      }
    },
    LIFE_MS,
  )

  test(
    'a document that it cannot take is a dead letter, the others of its request are stored',
    async () => {
      await ask('narrow', 'PUT', { mappings: { properties: { message: { type: 'integer' } } } })
      await onStage(subject({ index: 'narrow' }), async (stage) => {
        stage.say('1', 'no number', '3')
        await stage.settled()
        expect(stage.letters).toHaveLength(1)
        expect(stage.letters[0]!.reason).toContain('mapper_parsing_exception')
        expect(stage.delivery.stats).toMatchObject({ delivered: 2, rejected: 1, retried: 0 })
      })
      expect((await find('narrow')).total.value).toBe(2)
    },
    LIFE_MS,
  )

  test(
    'a closed index, and index into a data stream: held, nothing is lost',
    async () => {
      await ask('closed', 'PUT', {})
      await ask('closed/_close', 'POST')
      await ask('_index_template/streams', 'PUT', {
        index_patterns: ['logs-*-*'],
        data_stream: {},
        priority: 10,
      })
      await ask('_data_stream/logs-held-default', 'PUT')
      for (const index of ['closed', 'logs-held-default']) {
        await onStage(subject({ index, action: 'index' }), async (stage) => {
          stage.say('kept')
          await waitUntil(
            () => stage.delivery.state,
            (state) => state === 'blocked',
            'it to say that a person is needed',
          )
          expect(stage.delivery.stats).toMatchObject({ delivered: 0, rejected: 0 })
        })
      }
    },
    LIFE_MS,
  )

  test(
    "the pipeline of the integration's data stream, which reads lines of log files, is passed by",
    async () => {
      // No node of this server would run it: whatever goes through it is not stored.
      const rename = { field: 'message', target_field: 'event.original' }
      await ask('_ingest/pipeline/lines', 'PUT', { processors: [{ rename }] })
      await ask('_index_template/piped', 'PUT', {
        index_patterns: ['logs-postgresql.log-piped'],
        data_stream: {},
        priority: 300,
        template: { settings: { 'index.default_pipeline': 'lines' } },
      })
      await onStage(subject({ index: 'logs-postgresql.log-piped' }), async (stage) => {
        stage.say('kept')
        await stage.settled()
        expect(stage.delivery.stats).toMatchObject({ delivered: 1, retried: 0 })
      })
      const { hits } = await find('logs-postgresql.log-piped')
      expect(hits[0]!._source).toMatchObject({ message: 'kept', data_stream: { namespace: 'piped' } })
    },
    LIFE_MS,
  )

  test.skipIf(toxiproxy.missing !== undefined)(
    `a data stream: ${PROOF}`,
    async () => {
      await ask('_index_template/streams', 'PUT', {
        index_patterns: ['logs-*-*'],
        data_stream: {},
        priority: 10,
        template: { settings: { number_of_replicas: 0, 'index.translog.durability': 'request' } },
      })
      await prove({
        name: 'opensearch',
        toxiproxy: toxiproxy.running,
        upstream: new URL(opensearch.running.addresses['http']!).host,
        words: (at) => ['--to', `opensearch://${at}`, '--elasticsearch-batch-records=2000'],
        server: opensearch.running,
        arrived: () => everyHit('logs-postgresql.log-default'),
        mostRepeats: 0,
      })
      const [hit] = (await find('logs-postgresql.log-default', undefined, 1)).hits
      expect(hit!._index).toStartWith('.ds-logs-postgresql.log-default-')
    },
    LIFE_MS,
  )
})

/** All documents of an index, page by page. */
async function everyHit(index: string): Promise<Arrival[]> {
  await ask(`${index}/_refresh`, 'POST')
  const all: Arrival[] = []
  const first = { size: MOST_HITS, sort: ['_doc'], _source: ['message'] }
  let page = await ask<Hits & { _scroll_id: string }>(`${index}/_search?scroll=1m`, 'POST', first)
  while (page.hits.hits.length > 0) {
    all.push(...page.hits.hits.map(({ _id, _source }) => ({ uid: _id, message: _source.message })))
    page = await ask('_search/scroll', 'POST', { scroll: '1m', scroll_id: page._scroll_id })
  }
  return all
}
