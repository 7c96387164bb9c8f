import { eventsOf, ingested } from '../exporters/axiom-api.ts'
import { DCR, rowsOf, STREAM } from '../exporters/azure-api.ts'
import { logsOf } from '../exporters/datadog-api.ts'
import type { SeenRequest } from '../exporters/http-harness.ts'
import { envelopeOf, type Item } from '../exporters/sentry-api.ts'
import { reply, splunkApi, eventsOf as splunkEventsOf } from '../exporters/splunk-fake.ts'
import type { Arrival } from './account.ts'
import type { Stored } from './stored.ts'

/** Destinations that nobody can start here: their APIs as far as their rules are known. */
export interface Receiver {
  /** Answers requests; throws where one breaks a rule. */
  readonly receive: (stored: Stored) => (request: SeenRequest) => Response
  /** Words of a command line for it at an address. */
  readonly words: (address: string) => readonly string[]
  readonly env?: (address: string) => Readonly<Record<string, string>>
  /** Whether it knows a request again that it has had. */
  readonly knowsAgain?: true
  /** Whether the exporter goes on asking within one attempt. */
  readonly patient?: true
}

type Fields = Readonly<Record<string, unknown>>

const arrivalOf = ({ uid, message }: Fields): Arrival => ({ uid: String(uid), message: String(message) })

/** Stores what requests hold, then says yes. */
const storing =
  (read: (request: SeenRequest) => Arrival[], yes: (records: number) => Response): Receiver['receive'] =>
  (stored) =>
  (request) => {
    const records = read(request)
    stored.add(records)
    return yes(records.length)
  }

/** A request whose key it has had is answered, and not stored: what docs/guide.md tells endpoints to do. */
const endpoint: Receiver['receive'] = (stored) => (request) => {
  const key = request.headers.get('Idempotency-Key')!
  const lines = request.body.toString().split('\n')
  if (lines.pop() !== '') throw new Error('the last record has no end')
  if (!stored.has(key))
    stored.add(
      lines.map((line) => arrivalOf(JSON.parse(line) as Fields)),
      key,
    )
  return new Response()
}

function inSentry({ header, payload }: Item): Arrival[] {
  if (header.type === 'event') {
    const { extra, logentry } = payload
    return [arrivalOf({ uid: (extra as Fields)['uid'], message: logentry?.formatted })]
  }
  return payload.items.map(({ attributes, body }) =>
    arrivalOf({ uid: attributes!['log.record.uid']!.value, message: body }),
  )
}

const SPLUNK_TOKEN = 'hec-token'

/**
 * A collector with acknowledgements. It says yes to events while they are in its memory alone, and the indexers have them when
 * it is asked for the second time: what it is killed with in between is gone, and only who waits for the acknowledgement knows.
 */
const collector: Receiver['receive'] = (stored) => {
  const strict = splunkApi()
  strict.target('', SPLUNK_TOKEN)
  const unwritten = new Map<string, { asked: boolean; readonly records: readonly Arrival[] }>()
  let ackId = 0
  const isIndexed = (place: string): boolean => {
    const held = unwritten.get(place)
    if (held === undefined) return false
    if (!held.asked) {
      held.asked = true
      return false
    }
    stored.add(held.records)
    unwritten.delete(place)
    return true
  }
  return (request) => {
    const { url, headers, body } = request
    if (url.pathname === '/services/collector/ack') {
      const { acks } = JSON.parse(body.toString()) as { acks: number[] }
      const channel = url.searchParams.get('channel')
      return Response.json({
        acks: Object.fromEntries(acks.map((id) => [id, isIndexed(`${channel} ${id}`)])),
      })
    }
    const beside = strict.beside!(request)
    if (beside !== undefined) return beside
    const channel = headers.get('X-Splunk-Request-Channel')
    if (channel === null) return reply(400, 10, 'Data channel is missing')
    const records = splunkEventsOf(body).map(({ event }) => arrivalOf(event as Fields))
    unwritten.set(`${channel} ${++ackId}`, { asked: false, records })
    return reply(200, 0, 'Success', { ackId })
  }
}

const AZURE_TOKEN = 'token-of-the-machine'
const HOUR_S = 3600

/** The Logs Ingestion API, and beside it what gives tokens to a machine of Azure's: one that was given out is good for ever. */
const ingestion: Receiver['receive'] = (stored) => {
  const rows = storing(
    (request) => rowsOf(request).map(arrivalOf),
    () => new Response(null, { status: 204 }),
  )(stored)
  return (request) => {
    if (request.url.pathname === '/token')
      return Response.json({
        access_token: AZURE_TOKEN,
        expires_on: Math.floor(Date.now() / 1000) + HOUR_S,
        resource: 'https://monitor.azure.com',
        token_type: 'Bearer',
      })
    if (request.headers.get('Authorization') !== `Bearer ${AZURE_TOKEN}`)
      return new Response('who are you?', { status: 401 })
    return rows(request)
  }
}

/** By the destination's name. Batches are small, so that there are many. */
export const RECEIVERS: Readonly<Record<string, Receiver>> = {
  http: {
    receive: endpoint,
    words: (at) => ['--to', `http://${at}/in`, '--http-batch-bytes=500kB'],
    knowsAgain: true,
  },
  sentry: {
    receive: storing(
      (request) => envelopeOf(request).items.flatMap(inSentry),
      () => Response.json({}),
    ),
    words: (at) => ['--to', `sentry+http://${at}/42`, '--sentry-key=key', '--sentry-include-sql'],
  },
  datadog: {
    receive: storing(
      (request) => logsOf(request).map(arrivalOf),
      () => Response.json({}, { status: 202 }),
    ),
    words: (at) => ['--to', `datadog+http://${at}`, '--datadog-api-key=key', '--datadog-compression=zstd'],
  },
  axiom: {
    receive: storing((request) => eventsOf(request).map(arrivalOf), ingested),
    words: (at) => [
      ...['--to', `axiom+http://${at}/postgresql`],
      ...['--axiom-token=xaat-1', '--axiom-batch-records=1000'],
    ],
  },
  splunk: {
    receive: collector,
    words: (at) => [
      ...['--to', `splunk://${at}`, `--splunk-token=${SPLUNK_TOKEN}`, '--splunk-batch-records=2000'],
      ...['--splunk-acknowledge', '--splunk-ack-interval=64ms'],
    ],
    // Asks the collector that was started again for what the one before had said yes to.
    patient: true,
  },
  'azure-logs': {
    receive: ingestion,
    words: (at) => [
      ...['--to', `azure-logs:///dataCollectionRules/${DCR}/streams/${STREAM}`],
      ...['--azure-logs-endpoint', `http://${at}`],
    ],
    env: (at) => ({ IDENTITY_ENDPOINT: `http://${at}/token`, IDENTITY_HEADER: 'this-machine' }),
  },
}
