/** What an answer to an export says of records that were not taken. */
export interface PartialSuccess {
  readonly rejected: number
  /** May be empty; with nothing rejected it is a warning. */
  readonly message: string
}

/** Reads an ExportLogsServiceResponse; undefined when everything was taken, or it cannot be read: it was a success. */
export function partialSuccessOf(
  answer: Uint8Array,
  encoding: 'protobuf' | 'json',
): PartialSuccess | undefined {
  try {
    return encoding === 'json' ? fromJson(answer) : fromProtobuf(Buffer.from(answer))
  } catch {
    return undefined
  }
}

function fromJson(answer: Uint8Array): PartialSuccess | undefined {
  const { partialSuccess } = JSON.parse(Buffer.from(answer).toString()) as {
    partialSuccess?: { rejectedLogRecords?: string | number; errorMessage?: string }
  }
  if (partialSuccess === undefined || partialSuccess === null) return undefined
  const rejected = Number(partialSuccess.rejectedLogRecords ?? 0)
  return { rejected: countOf(rejected), message: String(partialSuccess.errorMessage ?? '') }
}

const countOf = (rejected: number): number => (Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0)

const PARTIAL_SUCCESS = 0x0a
const REJECTED = 0x08
const MESSAGE = 0x12

function fromProtobuf(answer: Buffer): PartialSuccess | undefined {
  if (answer[0] !== PARTIAL_SUCCESS) return undefined
  const [length, from] = varint(answer, 1)
  const bytes = answer.subarray(from, from + length)
  let rejected = 0
  let message = ''
  for (let at = 0; at < bytes.length; ) {
    const field = bytes[at++]
    const [value, next] = varint(bytes, at)
    at = next
    if (field === REJECTED) rejected = countOf(value)
    else if (field === MESSAGE) {
      message = bytes.toString('utf8', at, at + value)
      at += value
    } else break
  }
  return { rejected, message }
}

function varint(bytes: Buffer, at: number): [value: number, next: number] {
  let value = 0
  for (let scale = 1; at < bytes.length; scale *= 0x80) {
    const byte = bytes[at++]!
    value += (byte & 0x7f) * scale
    if (byte < 0x80) break
  }
  return [value, at]
}
