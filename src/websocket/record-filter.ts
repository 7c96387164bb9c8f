import { SEVERITIES } from '../codec/severity.ts'

/** Whether a record is wanted: the bytes of its canonical JSON. */
export type RecordFilter = (record: Buffer) => boolean

/** What a record is chosen by; it has to fit everything that is given. */
export interface Wanted {
  /** Index into SEVERITIES: the least severity. */
  readonly level?: number | undefined
  /** By the keys of canonical JSON: any of these values. A `*` at a value's end stands for whatever follows. */
  readonly fields: ReadonlyMap<string, readonly string[]>
  /** Stands somewhere in the record. */
  readonly grep?: string | undefined
}

const SEVERITY = Buffer.from(',"error_severity":"')
const QUOTE = 0x22

/**
 * A test for such records. It looks for bytes in canonical JSON and parses nothing: what stands there behind a comma and
 * an unescaped quote can only be a key, as a quote inside a text has a backslash before it.
 *
 * @returns undefined when every record is wanted, at no cost
 */
export function recordFilter({ level, fields, grep }: Wanted): RecordFilter | undefined {
  const tests: RecordFilter[] = []
  if (level !== undefined && level > 0) tests.push((record) => rankIn(record) >= level)
  for (const [key, values] of fields) {
    const needles = values.map((value) => needleOf(key, value))
    tests.push((record) => needles.some((needle) => record.includes(needle)))
  }
  if (grep !== undefined) {
    const needle = Buffer.from(inJson(grep))
    tests.push((record) => record.includes(needle))
  }
  return tests.length === 0 ? undefined : (record) => tests.every((test) => test(record))
}

function needleOf(key: string, value: string): Buffer {
  const start = `,"${key}":"`
  return Buffer.from(value.endsWith('*') ? start + inJson(value.slice(0, -1)) : `${start}${inJson(value)}"`)
}

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1)

function rankIn(record: Buffer): number {
  const found = record.indexOf(SEVERITY)
  if (found < 0) return -1
  const start = found + SEVERITY.length
  return (SEVERITIES as readonly string[]).indexOf(
    record.toString('latin1', start, record.indexOf(QUOTE, start)),
  )
}
