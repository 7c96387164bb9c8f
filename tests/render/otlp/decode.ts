/**
 * Reads an ExportLogsServiceRequest in protobuf into what OTLP's JSON of the same request parses to. Written from the
 * field numbers of opentelemetry-proto; strict: an unknown field or text that is no UTF-8 is an error.
 */

type Value = string | number | boolean | object
type Field = readonly [number: number, type: number, value: Buffer | bigint]

function varint(bytes: Buffer, at: number): [bigint, number] {
  let value = 0n
  for (let shift = 0n; ; shift += 7n) {
    const byte = bytes[at++]
    if (byte === undefined) throw new Error('a number ends behind its message')
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return [value, at]
  }
}

/** The fields of a message. */
export function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = []
  for (let at = 0; at < bytes.length; ) {
    let head: bigint
    ;[head, at] = varint(bytes, at)
    const number = Number(head >> 3n)
    const type = Number(head & 7n)
    let size = 0n
    if (type === 0) {
      ;[size, at] = varint(bytes, at)
      fields.push([number, type, size])
      continue
    }
    if (type === 2) [size, at] = varint(bytes, at)
    else size = type === 1 ? 8n : 4n
    const end = at + Number(size)
    if (end > bytes.length) throw new Error(`field ${number} ends behind its message`)
    fields.push([number, type, bytes.subarray(at, end)])
    at = end
  }
  return fields
}

type Reader = (value: Buffer | bigint, into: Record<string, Value | Value[]>) => void

/** Reads a message by what its fields mean. */
function message(bytes: Buffer, readers: Readonly<Record<number, Reader>>): Record<string, Value | Value[]> {
  const into: Record<string, Value | Value[]> = {}
  for (const [number, , value] of fieldsOf(bytes)) {
    const reader = readers[number]
    if (reader === undefined) throw new Error(`no field ${number} here`)
    reader(value, into)
  }
  return into
}

const text = (value: Buffer | bigint): string =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value as Buffer)
const one =
  (name: string, read: (value: Buffer | bigint) => Value): Reader =>
  (value, into) => {
    into[name] = read(value)
  }
const many =
  (name: string, read: (value: Buffer | bigint) => Value): Reader =>
  (value, into) => {
    into[name] = [...((into[name] as Value[] | undefined) ?? []), read(value)]
  }
const fixed64 = (value: Buffer | bigint): string => String((value as Buffer).readBigUInt64LE())
const hex = (value: Buffer | bigint): string => (value as Buffer).toString('hex')
const nested =
  (readers: Readonly<Record<number, Reader>>) =>
  (value: Buffer | bigint): Value =>
    message(value as Buffer, readers)

const anyValue = nested({
  1: one('stringValue', text),
  3: one('intValue', (value) => String(BigInt.asIntN(64, value as bigint))),
  4: one('doubleValue', (value) => (value as Buffer).readDoubleLE()),
})
const keyValue = nested({ 1: one('key', text), 2: one('value', anyValue) })
const logRecord = nested({
  1: one('timeUnixNano', fixed64),
  2: one('severityNumber', Number),
  3: one('severityText', text),
  5: one('body', anyValue),
  6: many('attributes', keyValue),
  7: one('droppedAttributesCount', Number),
  8: one('flags', (value) => (value as Buffer).readUInt32LE()),
  9: one('traceId', hex),
  10: one('spanId', hex),
  11: one('observedTimeUnixNano', fixed64),
})
const scope = nested({ 1: one('name', text), 2: one('version', text) })
const scopeLogs = nested({
  1: one('scope', scope),
  2: many('logRecords', logRecord),
  3: one('schemaUrl', text),
})
const resource = nested({ 1: many('attributes', keyValue), 2: one('droppedAttributesCount', Number) })
const resourceLogs = nested({
  1: one('resource', resource),
  2: many('scopeLogs', scopeLogs),
  3: one('schemaUrl', text),
})

/** The request as its JSON would parse. */
export const decodeOtlp = (bytes: Uint8Array): unknown =>
  message(Buffer.from(bytes), { 1: many('resourceLogs', resourceLogs) })
