import type { Group } from './group.ts'

/** What objects hold, by the ends of their names. */
export const OBJECT_FORMATS = ['ndjson.zst', 'ndjson.gz', 'ndjson', 'febe.zst', 'febe.gz', 'febe'] as const

/** One of them. */
export type ObjectFormat = (typeof OBJECT_FORMATS)[number]

/** What Hive, Athena and DuckDB take for an absent value. */
const NO_IDENTITY = '__HIVE_DEFAULT_PARTITION__'

/** `logs/identity=db1/dt=2026-03-01/hour=12/`: where the objects of a group stand. */
export function folderOf(prefix: string, { source, hour }: Group): string {
  const time = new Date(hour * 3_600_000).toISOString()
  const identity = source.identity === '' ? NO_IDENTITY : safe(source.identity)
  const place = `identity=${identity}/dt=${time.slice(0, 10)}/hour=${time.slice(11, 13)}/`
  return prefix === '' ? place : `${prefix}/${place}`
}

/** What stands in a key as it is, everywhere; the rest is percent-encoded. */
export const safe = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

/**
 * `20260301T120000.001234Z-host-0123456789abcdef-42.ndjson.zst`: named for the first record that it holds, so the same
 * records can have no second object.
 */
export function nameOf(
  { envelopes, source }: Group,
  first: number,
  host: string,
  format: ObjectFormat,
): string {
  const micros = envelopes.micros(first)
  const time = new Date(Math.floor(micros / 1000)).toISOString().replace(/[-:]/g, '').replace('Z', '')
  const own = safe(envelopes.ownUid(first))
  return `${time}${String(micros % 1000).padStart(3, '0')}Z-${safe(host)}-${source.uidPrefix}${own}.${format}`
}

/** An object as its name tells it. */
export interface Named {
  readonly key: string
  readonly format: ObjectFormat
  /** Of its first record, among those of its ring: a sequence, or a time where there is none. */
  readonly order: number
}

const TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.(\d{3})(\d{3})Z-/

/** Reads a key of `nameOf` that belongs to the group's server and ring; undefined for anything else. */
export function readKey(key: string, { source }: Group): Named | undefined {
  const name = key.slice(key.lastIndexOf('/') + 1)
  const format = OBJECT_FORMATS.find((one) => name.endsWith(`.${one}`))
  const time = TIME.exec(name)
  const at = name.lastIndexOf(`-${source.uidPrefix}`)
  if (format === undefined || time === null || at < time[0].length) return undefined
  const own = name.slice(at + 1 + source.uidPrefix.length, -format.length - 1)
  if (source.bootId !== undefined && /^\d+$/.test(own) && Number.isSafeInteger(Number(own)))
    return { key, format, order: Number(own) }
  const [, year, month, day, hour, minute, second, ms, micros] = time.map(Number)
  const whole = Date.UTC(year!, month! - 1, day!, hour!, minute!, second!, ms!)
  return { key, format, order: whole * 1000 + micros! }
}
