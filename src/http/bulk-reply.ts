import {
  BlockedError,
  type DeliveryError,
  PartialError,
  type RefusedRecord,
  RetryableError,
} from '../errors.ts'
import type { Answer } from './verdict.ts'

/** What Elasticsearch and OpenSearch answer to a bulk request, as far as it is asked for. */
interface BulkReply {
  readonly errors?: boolean
  /** One for each operation, in their order; each has one member, named after what was done. */
  readonly items?: readonly Readonly<Record<string, BulkItem>>[]
}

interface BulkItem {
  readonly status?: number
  readonly error?: { readonly type?: string; readonly reason?: string }
}

/** Asks for nothing of the answer but this: it would be as long as the request. */
export const BULK_FILTER = 'filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason'

/** Stands near the beginning, whatever else does. */
const NO_ERRORS = /^\{[^[]{0,200}?"errors"\s*:\s*false/
/** The document is there already: it was stored when its answer was lost. */
const CONFLICT = 409

/** Faults of the index, not of the document: a person has to mend them. */
const HELD_TYPES: ReadonlySet<string> = new Set([
  'index_not_found_exception',
  'index_closed_exception',
  'invalid_index_name_exception',
  'cluster_block_exception',
  'security_exception',
])
/**
 * The same, where the type may also be about a document. The other way of writing would be taken (`create` for data streams,
 * `index` only for indexes); an alias has nowhere to write to; the pipeline, or room for another index, is not there.
 */
const HELD_REASONS: Readonly<Record<string, RegExp>> = {
  illegal_argument_exception:
    /data streams?\b|no write index is defined|pipeline with id \[[^\]]*\] does not exist/,
  validation_exception: /maximum [\w ]*shards open/,
}

/**
 * What the answer to a bulk request of `records` operations means; undefined when all of them are stored.
 *
 * What is to be sent again and what is refused stands in a `PartialError`; nothing else is looked at when nothing is wrong.
 */
export function bulkVerdict({ text }: Answer, records: number): DeliveryError | undefined {
  if (NO_ERRORS.test(text)) return undefined
  const items = itemsOf(text)
  // Documents have ids of their own, so sending them again stores none twice.
  if (items?.length !== records)
    return new RetryableError(`the answer to a bulk request cannot be read: ${text.slice(0, 200)}`)
  const retry: number[] = []
  const rejected: RefusedRecord[] = []
  let held: string | undefined
  let again: string | undefined
  items.forEach((item, index) => {
    const { status = 0, error } = Object.values(item)[0] ?? {}
    if ((status >= 200 && status < 300) || status === CONFLICT) return
    const reason = `${error?.type ?? status}: ${error?.reason ?? 'no reason was given'}`
    if (isHeld(status, error)) {
      held ??= reason
      retry.push(index)
    } else if (isBusy(status)) {
      again ??= reason
      retry.push(index)
    } else rejected.push({ index, reason, status })
  })
  if (retry.length === 0 && rejected.length === 0) return undefined
  if (retry.length < records) return new PartialError(retry, rejected)
  return held === undefined ? new RetryableError(again!) : new BlockedError(held)
}

function isHeld(status: number, error: BulkItem['error']): boolean {
  if (status === 401 || status === 403 || status === 404) return true
  if (HELD_TYPES.has(error?.type ?? '')) return true
  return HELD_REASONS[error?.type ?? '']?.test(error?.reason ?? '') === true
}

const isBusy = (status: number): boolean => status === 429 || status >= 500 || status < 200

function itemsOf(text: string): BulkReply['items'] {
  try {
    const reply = JSON.parse(text) as BulkReply | null
    return Array.isArray(reply?.items) ? reply.items : undefined
  } catch {
    return undefined
  }
}
