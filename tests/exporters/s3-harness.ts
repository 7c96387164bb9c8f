import { gunzipSync } from 'node:zlib'
import type { Harness, Received, Serving, Target } from './conformance.ts'
import { ToldServer } from './told-server.ts'

/** How long one part of an upload has to be at the least, but for the last. */
const LEAST_PART = 5 * 1024 * 1024
/** Parts may be large. */
const MOST_BODY = 2 ** 31

interface Upload {
  readonly key: string
  readonly parts: Map<number, Buffer>
}

/** What a fake store does that others do not. */
export interface Store {
  /** `If-None-Match` is answered 501, as some stores do. */
  readonly unconditional?: boolean
}

/**
 * As much of S3 as the destination uses, on a free port of 127.0.0.1, strict about it: requests are signed, objects are never
 * written over, parts have their least size. It does not check signatures: the real server of the live tests does.
 */
export class S3Harness extends ToldServer implements Harness {
  readonly objects = new Map<string, Buffer>()
  /** `PUT /bucket/key`, for every request that was not told to fail. */
  readonly requests: string[] = []
  readonly headers: Headers[] = []
  /** Asked before a request is answered: an answer in place of the fake's own, or nothing. */
  before: ((request: Request, key: string) => Response | undefined) | undefined
  /** Asked when an object has been stored: an answer in place of 200. */
  after: ((key: string) => Response | undefined) | undefined
  readonly #store: Store
  readonly #uploads = new Map<string, Upload>()

  constructor(serving: Serving = {}, store: Store = {}) {
    super(serving, MOST_BODY)
    this.#store = store
  }

  get endpoint(): string {
    return this.origin
  }

  /** Uploads in parts that were begun, and neither completed nor removed. */
  get openUploads(): number {
    return this.#uploads.size
  }

  target(secret: string): Target {
    const options = {
      endpoint: this.endpoint,
      accessKeyId: 'AKIATEST',
      secretAccessKey: secret,
      pathStyle: true as const,
    }
    return { to: 's3://logs/pg', options }
  }

  received(): Received[] {
    return this.lines().map(({ message, detail }) => ({ message: String(message), detail: detail as string }))
  }

  /** Records of all objects, in the order in which objects were stored. */
  lines(): Record<string, unknown>[] {
    return [...this.objects].flatMap(([key, bytes]) => linesOf(key, bytes))
  }

  protected async take(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const path = decodeURIComponent(url.pathname)
    const body = Buffer.from(await request.arrayBuffer())
    if (!/^AWS4-HMAC-SHA256 Credential=AKIATEST\/\d{8}\//.test(request.headers.get('Authorization') ?? ''))
      return refusal(403, 'AccessDenied', 'not signed')
    const told = this.#told(request)
    if (told !== undefined) return told
    const [, bucket, key] = /^\/([^/]*)\/?(.*)$/s.exec(path)!
    if (bucket !== 'logs') return refusal(404, 'NoSuchBucket', `there is no ${bucket}`)
    const own = this.before?.(request, key!)
    if (own !== undefined) return own
    this.requests.push(`${request.method} ${key}`)
    this.headers.push(request.headers)
    if (request.method === 'GET' && key === '') return this.#list(url.searchParams)
    if (request.method === 'HEAD' && key === '') return new Response()
    const { searchParams } = url
    if (searchParams.has('uploads') || searchParams.has('uploadId'))
      return this.#upload(request, key!, searchParams, body)
    if (request.method === 'PUT') return this.#put(request, key!, body)
    const object = this.objects.get(key!)
    if (object === undefined) return refusal(404, 'NoSuchKey', 'no such key')
    return new Response(request.method === 'HEAD' ? null : (object as Uint8Array<ArrayBuffer>))
  }

  #told(request: Request): Response | Promise<Response> | undefined {
    const manner = this.manner
    if (manner.does === 'hang') {
      this.unanswered++
      return new Promise(() => undefined)
    }
    if (manner.does === 'block') return refusal(403, 'AccessDenied', 'Access Denied')
    if (manner.does === 'echo') {
      const said = [...request.headers].map(([name, value]) => `${name}: ${value}`).join(', ')
      return refusal(400, 'InvalidRequest', `you sent ${said} to ${request.url}`)
    }
    if (manner.does !== 'be busy') return undefined
    const after = manner.retryAfterSeconds
    return refusal(
      503,
      'SlowDown',
      'Please reduce your request rate.',
      after === undefined ? {} : { 'Retry-After': String(after) },
    )
  }

  #put(request: Request, key: string, body: Buffer): Response {
    const condition = request.headers.get('If-None-Match')
    if (this.#store.unconditional && condition !== null)
      return refusal(
        501,
        'NotImplemented',
        'A header you provided implies functionality that is not implemented',
      )
    return this.#keep(key, body, condition)
  }

  #keep(key: string, body: Buffer, condition: string | null): Response {
    if (this.objects.has(key)) {
      if (condition === '*')
        return refusal(412, 'PreconditionFailed', 'At least one of the pre-conditions did not hold')
      throw new Error(`${key} was written over`)
    }
    const manner = this.manner
    if (manner.does === 'limit' && linesOf(key, body).length > manner.records)
      return refusal(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size')
    this.objects.set(key, body)
    return this.after?.(key) ?? new Response(null, { headers: { ETag: '"e"' } })
  }

  /** Two keys a page, so that there are pages. */
  #list(search: URLSearchParams): Response {
    const [prefix, from] = [search.get('prefix') ?? '', search.get('continuation-token') ?? '']
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > from).sort()
    const page = keys.slice(0, 2)
    const more = keys.length > page.length
    const contents = page.map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`).join('')
    const next = more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
    return xml(`<ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${contents}</ListBucketResult>`)
  }

  #upload(request: Request, key: string, search: URLSearchParams, body: Buffer): Response {
    if (search.has('uploads')) {
      const id = `upload-${this.requests.length}`
      this.#uploads.set(id, { key, parts: new Map() })
      return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
    }
    const id = search.get('uploadId')!
    const upload = this.#uploads.get(id)
    if (upload === undefined) return refusal(404, 'NoSuchUpload', 'no such upload')
    if (request.method === 'PUT') {
      upload.parts.set(Number(search.get('partNumber')), body)
      return new Response(null, { headers: { ETag: `"${search.get('partNumber')}"` } })
    }
    this.#uploads.delete(id)
    if (request.method === 'DELETE') return new Response(null, { status: 204 })
    const parts = [...upload.parts].toSorted(([a], [b]) => a - b).map(([, part]) => part)
    if (parts.slice(0, -1).some(({ length }) => length < LEAST_PART))
      return refusal(400, 'EntityTooSmall', 'too small')
    const answer = this.#keep(key, Buffer.concat(parts), request.headers.get('If-None-Match'))
    return answer.status === 200
      ? xml('<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>')
      : answer
  }
}

const xml = (text: string): Response =>
  new Response(`<?xml version="1.0" encoding="UTF-8"?>${text}`, {
    headers: { 'Content-Type': 'application/xml' },
  })

/** An error as S3 words it. */
export const refusal = (status: number, code: string, message: string, headers = {}): Response =>
  new Response(
    `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
    { status, headers: { 'Content-Type': 'application/xml', ...headers } },
  )

/** Records of one object of lines. */
export function linesOf(key: string, bytes: Buffer): Record<string, unknown>[] {
  const plain = key.endsWith('.zst')
    ? Bun.zstdDecompressSync(bytes as Buffer<ArrayBuffer>)
    : key.endsWith('.gz')
      ? gunzipSync(bytes)
      : bytes
  return Buffer.from(plain)
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}
