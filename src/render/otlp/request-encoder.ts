import type { Room } from '../../record/room.ts'
import type { Source } from '../../record/source.ts'
import type { RecordView } from '../../record/view.ts'
import type { Encoder } from '../encoder.ts'
import { LogRecordEncoder, type LogRecordOptions } from './log-record.ts'
import { protobufWire } from './protobuf-wire.ts'
import { framesOf, type RequestFrame, type Sender, writeFieldHead } from './request.ts'

/** Most bytes of the heads of ResourceLogs and ScopeLogs: a tag, and a length of up to 2^35. */
const MOST_HEADS = 2 * 6

/**
 * Each record as a whole request to export logs, in protobuf, which can be read without any other: what the Kafka receiver
 * of OpenTelemetry's Collector takes (`otlp_proto`).
 */
export class RequestEncoder implements Encoder {
  readonly #record: LogRecordEncoder
  readonly #sender: Sender
  #source: Source | undefined
  #frame: RequestFrame = framesOf('', '', { serviceName: '', version: '' })

  constructor(options: LogRecordOptions, sender: Sender) {
    this.#record = new LogRecordEncoder(protobufWire, options)
    this.#sender = sender
  }

  begin(): void {
    this.#record.begin()
  }

  room(record: RecordView): number {
    const { resource, scope, schema } = this.#frameOf(record.source)
    return MOST_HEADS + resource.length + scope.length + this.#record.room(record) + 2 * schema.length
  }

  encode(record: RecordView, out: Room, start: number): number {
    const { resource, scope, schema } = this.#frameOf(record.source)
    const { bytes } = out
    // Behind the most that may come in front of it; moved when its length is known.
    const body = start + MOST_HEADS + resource.length + scope.length
    const length = this.#record.encode(record, out, body) - body
    const scopeLogs = scope.length + length + schema.length
    let at = writeFieldHead(bytes, start, 1, resource.length + fieldBytes(scopeLogs) + schema.length)
    bytes.set(resource, at)
    at = writeFieldHead(bytes, at + resource.length, 2, scopeLogs)
    bytes.set(scope, at)
    at += scope.length
    bytes.copyWithin(at, body, body + length)
    at += length
    bytes.set(schema, at)
    bytes.set(schema, at + schema.length)
    return at + 2 * schema.length
  }

  #frameOf(source: Source): RequestFrame {
    if (source !== this.#source) {
      this.#source = source
      this.#frame = framesOf(source.identity, source.version.server, this.#sender)
    }
    return this.#frame
  }
}

/** Bytes of a length-delimited field with so many inside. */
function fieldBytes(content: number): number {
  let bytes = 2
  for (let rest = content; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++
  return bytes + content
}
