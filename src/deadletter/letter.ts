/** A record that a destination refused for good, or that was given up. */
export interface Letter {
  /** Of the record, in the journal. */
  readonly position: number
  /** What the destination said last. */
  readonly reason: string
  /** Its status, where it has such. */
  readonly status: number | undefined
  /** How often the record was sent. */
  readonly attempts: number
}

/** A destination that letters were meant for. */
export interface Addressee {
  readonly name: string
  /** Kind of destination: `http`. */
  readonly type: string
}

/** A record as a letter holds it. */
export interface Enclosure {
  /** Canonical JSON. */
  readonly json: Uint8Array
  /** A dump of this one record. */
  readonly febe: Uint8Array
}

/** A letter as it was read back. */
export interface StoredLetter {
  /** When it was stored, as ISO 8601 in UTC. */
  readonly time: string
  readonly exporter: string
  readonly type: string
  readonly reason: string
  readonly status: number | undefined
  readonly attempts: number
  readonly position: number
  /** A dump of the record; undefined when the letter is without it. */
  readonly febe: Uint8Array | undefined
  /** Equal for letters of one exporter about the same record. */
  readonly key: string
  /** What is stored, without its line end. */
  readonly line: string
}

/** Longest reason, in characters. */
export const MOST_REASON = 1000
/** As much of a reason is looked at: the rest is cut off anyway. */
const MOST_READ = 10 * MOST_REASON

/** What a destination said, on one line. */
export function reasonLine(text: string): string {
  const line = text
    .slice(0, MOST_READ)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  // The last character may be one of two units that was cut in the middle.
  const cut = line.length > MOST_REASON ? `${line.slice(0, MOST_REASON - 1)}…` : line
  return cut.toWellFormed()
}

/**
 * Writes a letter as one line of JSON.
 *
 * @param mostBytes of the line: a record that makes it longer is left out, first as JSON, then at all
 * @param enclosure undefined for a record that the journal does not have any more
 */
export function encodeLetter(
  to: Addressee,
  letter: Letter,
  enclosure: Enclosure | undefined,
  nowMs: number,
  mostBytes: number,
): Uint8Array {
  const { reason, status, attempts, position } = letter
  const time = new Date(nowMs).toISOString()
  const head = {
    time,
    exporter: to.name,
    type: to.type,
    reason: reasonLine(reason),
    status,
    attempts,
    position,
  }
  const open = Buffer.from(JSON.stringify(head).slice(0, -1))
  if (enclosure === undefined) return Buffer.concat([open, MISSING])
  const { json, febe } = enclosure
  const dump = [Buffer.from(`,"febe":"${Buffer.from(febe).toString('base64')}"`), END]
  const lines = [
    [open, Buffer.from(',"record":'), json, ...dump],
    [open, ...dump],
  ]
  const fits = lines.find((parts) => parts.reduce((sum, { length }) => sum + length, 0) <= mostBytes)
  return Buffer.concat(fits ?? [open, TOO_LARGE])
}

const END = Buffer.from('}\n')
const MISSING = Buffer.from(',"missing":true}\n')
const TOO_LARGE = Buffer.from(',"too_large":true}\n')

/** The line without the dump. As text: numbers of JavaScript would lose digits of the record. */
export const withoutDump = (line: string): string => line.replace(/,"febe":"[\w+/=]*"\}$/, '}')

/** Reads a line; undefined when it is none of a letter. */
export function parseLetter(line: string): StoredLetter | undefined {
  try {
    const found = JSON.parse(line)
    return isLetter(found) ? stored(found, line) : undefined
  } catch {
    return undefined
  }
}

type Parsed = Omit<StoredLetter, 'febe'> & { readonly febe?: string; readonly record?: { uid?: unknown } }

function isLetter(found: unknown): found is Parsed {
  if (typeof found !== 'object' || found === null) return false
  const { time, exporter, type, reason, status, attempts, position, febe } = found as Record<string, unknown>
  return (
    [time, exporter, type, reason].every((text) => typeof text === 'string') &&
    [attempts, position, status ?? 0].every((count) => typeof count === 'number') &&
    (febe === undefined || typeof febe === 'string')
  )
}

function stored(found: Parsed, line: string): StoredLetter {
  const { time, exporter, type, reason, status, attempts, position, febe, record } = found
  const uid = record?.uid
  // Without its JSON a record is known by its place.
  const key = `${exporter} ${typeof uid === 'string' ? uid : `@${position}`}`
  const dump = febe === undefined ? undefined : Buffer.from(febe, 'base64')
  return { time, exporter, type, reason, status, attempts, position, febe: dump, key, line }
}
