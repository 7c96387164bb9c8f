import type { Received } from './conformance.ts'
import type { HttpApi, SeenRequest } from './http-harness.ts'

/** What the bulk API refuses, and how it answers. */

/** An operation, read strictly. */
export interface Operation {
  readonly action: string
  readonly index: string
  /** Absent where the server is to make one up. */
  readonly id: string | undefined
  readonly document: Readonly<Record<string, unknown>> & { readonly message?: string }
}

interface Target {
  readonly _index?: string
  readonly _id?: string
}

const PATH = /^\/(?:([^/]+)\/)?_bulk$/

/** Operations of a body: pairs of lines, each JSON; `index` is for those that name none. */
export function operationsOf(body: Buffer, index?: string): Operation[] {
  const lines = new TextDecoder('utf-8', { fatal: true }).decode(body).split('\n')
  if (lines.pop() !== '') throw new Error('The bulk request must be terminated by a newline [\\n]')
  if (lines.length % 2 !== 0) throw new Error('an action without a document')
  return Array.from({ length: lines.length / 2 }, (_, n) => {
    const line = JSON.parse(lines[2 * n]!) as Readonly<Record<string, Target>>
    const [[action, target]] = Object.entries(line) as [[string, Target]]
    if (action !== 'create' && action !== 'index')
      throw new Error(`Malformed action/metadata line: ${action}`)
    if (Object.keys(target).some((name) => name !== '_id' && name !== '_index'))
      throw new Error('unknown parameter in the action')
    const { _index = index, _id } = target
    if (!/^[a-z0-9][^A-Z \\/*?"<>|,#:]*$/.test(_index ?? '') || Buffer.byteLength(_index!) > 255)
      throw new Error('invalid_index_name_exception')
    if (_id !== undefined && (_id === '' || Buffer.byteLength(_id) > 512)) throw new Error('no such id')
    const document = JSON.parse(lines[2 * n + 1]!) as Operation['document']
    if (Number.isNaN(Date.parse(String(document['@timestamp'])))) throw new Error('no @timestamp')
    return { action, index: _index!, id: _id, document }
  })
}

/** One item of an answer. */
export const item = (status: number, type?: string, reason = 'because') => ({
  create: { status, ...(type !== undefined && { error: { type, reason } }) },
})

/** An answer to a bulk request. */
export const bulkAnswer = (items: readonly object[], errors: boolean): Response =>
  // Without this header Elastic's client takes it for something else.
  Response.json({ took: 3, errors, items }, { headers: { 'X-Elastic-Product': 'Elasticsearch' } })

/** Ours, and that of Elastic's clients since version 8. */
const CONTENT_TYPE = /^application\/(?:x-ndjson|vnd\.elasticsearch\+x-ndjson; ?compatible-with=\d+)$/

/** The operations of a request; throws where it is none. */
export function operationsIn({ headers, url, body }: SeenRequest): Operation[] {
  if (!CONTENT_TYPE.test(headers.get('Content-Type') ?? '')) throw new Error('Content-Type')
  return operationsOf(body, PATH.exec(url.pathname)?.[1])
}

/** A server that wants this header of every request. */
export function elasticsearchApi(
  target: HttpApi['target'],
  isKnown: (request: SeenRequest) => boolean = () => true,
): HttpApi {
  return {
    target,
    beside: (request) => {
      const { url, body, method } = request
      if (!['POST', 'PUT'].includes(method) || !PATH.test(url.pathname))
        return Response.json({ error: 'Incorrect HTTP method for uri' }, { status: 405 })
      if (!isKnown(request)) return Response.json({ error: { type: 'security_exception' } }, { status: 401 })
      if (body.length > 0) return undefined
      return Response.json({ error: { reason: 'request body is required' } }, { status: 400 })
    },
    records: (request) =>
      operationsIn(request).map(({ document }): Received => {
        const { log } = (document['postgresql'] ?? {}) as { log?: { detail?: string } }
        return { message: document.message ?? '', detail: log?.detail }
      }),
    accepted: (records) =>
      bulkAnswer(
        records.map(() => item(201)),
        false,
      ),
    partly: (records, indexes, why) => {
      const failed =
        why === 'refused'
          ? item(400, 'document_parsing_exception', 'failed to parse')
          : item(429, 'es_rejected_execution_exception')
      return bulkAnswer(
        records.map((_, index) => (indexes.includes(index) ? failed : item(201))),
        true,
      )
    },
  }
}
