import { type Piece, pieceOf, type Room, writePiece } from '../../record/room.ts'
import type { Source } from '../../record/source.ts'
import type { RecordView } from '../../record/view.ts'
import { type EnvelopeHead, envelopeBody } from '../envelope.ts'
import { delimited, keyValue } from './protobuf-wire.ts'

/** Names what sends: the instrumentation scope, and what the resource says of the service. */
export interface Sender {
  /** `service.name` of every server. */
  readonly serviceName: string
  /** pgturret's own version. */
  readonly version: string
}

/** Records in envelopes, as a batch holds them. */
export interface Envelopes {
  readonly bytes: Uint8Array
  readonly ends: Uint32Array
}

/** Version of the semantic conventions that the names of attributes are from. */
const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.44.0'
const SCOPE_NAME = 'pgturret'

/** The head of a record's envelope: which server it is from, as `identity NUL version`. */
export class SourceHead implements EnvelopeHead {
  #source: Source | undefined
  #piece: Piece = pieceOf('')

  room({ source }: RecordView): number {
    // Four bytes for a character at the most, and what a piece overshoots.
    return 4 * (source.identity.length + source.version.server.length) + 8
  }

  write({ source }: RecordView, out: Room, at: number): number {
    if (source !== this.#source) {
      this.#source = source
      this.#piece = pieceOf(`${source.identity}\0${source.version.server}`)
    }
    return writePiece(out, at, this.#piece)
  }
}

/** Records of one server that follow each other: where their bodies lie in the batch. */
interface Run {
  readonly head: Buffer
  readonly bodies: Uint8Array[]
  bytes: number
}

/** A request to export a batch of records, by one of OTLP's encodings. */
export function otlpRequest(batch: Envelopes, encoding: 'protobuf' | 'json', sender: Sender): Uint8Array {
  const runs = runsOf(batch)
  return encoding === 'json' ? jsonRequest(runs, sender) : protobufRequest(runs, sender)
}

function runsOf({ bytes, ends }: Envelopes): Run[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const runs: Run[] = []
  let run: Run | undefined
  let start = 0
  for (const end of ends) {
    const body = envelopeBody(view, start)
    const head = Buffer.from(bytes.buffer, bytes.byteOffset + start + 4, body - start - 4)
    if (run === undefined || !run.head.equals(head)) {
      run = { head, bodies: [], bytes: 0 }
      runs.push(run)
    }
    run.bodies.push(bytes.subarray(body, end))
    run.bytes += end - body
    start = end
  }
  return runs
}

/** What `SourceHead` wrote: identity and version. */
const partsOf = (head: Buffer): [identity: string, version: string] =>
  head.toString().split('\0') as [string, string]

function resourceOf(
  identity: string,
  version: string,
  { serviceName }: Sender,
): readonly (readonly [string, string])[] {
  const attributes: [string, string][] = [['service.name', serviceName]]
  if (identity !== '') attributes.push(['service.instance.id', identity])
  if (version !== '') attributes.push(['service.version', version])
  return attributes
}

/** What stands around the records of one server, in protobuf: fields that are whole. */
export interface RequestFrame {
  /** Of ResourceLogs. */
  readonly resource: Uint8Array
  /** Of ScopeLogs, in front of the records. */
  readonly scope: Uint8Array
  /** Of ScopeLogs behind the records, and of ResourceLogs behind that. */
  readonly schema: Uint8Array
}

/** Makes what stands around the records of a server. */
export function framesOf(identity: string, version: string, sender: Sender): RequestFrame {
  const attributes = resourceOf(identity, version, sender)
  const scope = [delimited(1, Buffer.from(SCOPE_NAME)), delimited(2, Buffer.from(sender.version))]
  return {
    resource: delimited(
      1,
      Buffer.concat(attributes.map(([name, value]) => delimited(1, keyValue(name, value)))),
    ),
    scope: delimited(1, Buffer.concat(scope)),
    schema: delimited(3, Buffer.from(SCHEMA_URL)),
  }
}

function protobufRequest(runs: readonly Run[], sender: Sender): Uint8Array {
  const parts = runs.flatMap(({ head, bodies, bytes }) => {
    const { resource, scope, schema } = framesOf(...partsOf(head), sender)
    const scopeLogs = fieldHead(2, scope.length + bytes + schema.length)
    const inside = resource.length + scopeLogs.length + scope.length + bytes + 2 * schema.length
    return [fieldHead(1, inside), resource, scopeLogs, scope, ...bodies, schema, schema]
  })
  return Buffer.concat(parts)
}

/** Writes a length-delimited field up to its content; returns the offset behind. */
export function writeFieldHead(bytes: Uint8Array, at: number, field: number, length: number): number {
  bytes[at++] = field * 8 + 2
  for (; length >= 0x80; length = Math.floor(length / 0x80)) bytes[at++] = (length % 0x80) | 0x80
  bytes[at++] = length
  return at
}

function fieldHead(field: number, length: number): Uint8Array {
  const bytes = new Uint8Array(10)
  return bytes.subarray(0, writeFieldHead(bytes, 0, field, length))
}

function jsonRequest(runs: readonly Run[], sender: Sender): Uint8Array {
  const scope = JSON.stringify({ name: SCOPE_NAME, version: sender.version })
  const parts: Uint8Array[] = []
  for (const { head, bodies } of runs) {
    const attributes = resourceOf(...partsOf(head), sender).map(([key, value]) => ({
      key,
      value: { stringValue: value },
    }))
    const open = parts.length === 0 ? '{"resourceLogs":[' : ','
    parts.push(
      Buffer.from(
        `${open}{"resource":{"attributes":${JSON.stringify(attributes)}},"scopeLogs":[{"scope":${scope},"logRecords":[`,
      ),
      ...bodies.slice(0, -1),
      // The comma behind the last one.
      bodies.at(-1)!.subarray(0, -1),
      Buffer.from(`],"schemaUrl":"${SCHEMA_URL}"}],"schemaUrl":"${SCHEMA_URL}"}`),
    )
  }
  parts.push(Buffer.from(']}'))
  return Buffer.concat(parts)
}
