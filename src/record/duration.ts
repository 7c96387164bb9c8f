import { Field } from '../codec/fields.ts'
import type { RecordView } from './view.ts'

/**
 * The number in `duration: 12.345 ms …` messages, whatever the server's `lc_messages`.
 *
 * logfebe-2 carries the untranslated format string, which decides. In logfebe-1 there is only the translated text: it
 * is a duration when it begins, up to the first number, like one of PostgreSQL's own translations of that message.
 */

/** Which part of a statement's life a duration message measured. */
export type DurationPhase = 'parse' | 'bind' | undefined

/** Where the digits stand in the message, and what they measure. */
export interface Duration {
  /** Offsets into the record's bytes: decimal digits, a point, three digits. */
  readonly start: number
  readonly end: number
  readonly phase: DurationPhase
}

// From the catalogues of PostgreSQL 15, which do not always agree with themselves: the text in front of the number.
const PREFIXES = [
  'duration: ',
  'Dauer: ',
  'duración: ',
  'durée : ',
  'durata: ',
  '期間: ',
  'ხანგრძლივობა: ',
  '실행시간: ',
  '수행시간: ',
  '작업시간: ',
  'продолжительность: ',
  'продолжительность ',
  'varaktighet: ',
  'varaktighet ',
  'тривалість: ',
  '耗时: ',
  '持續時間: ',
]
// And the text behind it (after the unit) that tells parse and bind from the rest. Two languages put the statement's
// name first.
const NAME = '[^ ]+'
const PARSE_WORDS = [
  'parse ',
  'parse: ',
  'Parsen ',
  'analyse ',
  'analisi di ',
  'パース',
  `${NAME}-ის დამუშავება: `,
  `${NAME} 구문분석: `,
  'разбор ',
  'аналізування ',
  '解析 ',
]
const BIND_WORDS = [
  'bind ',
  'Binden ',
  'lien ',
  'バインド ',
  'მიბმა ',
  `${NAME} 접속: `,
  'сообщение Bind ',
  'повідомлення bind ',
  '绑定 ',
  '繫結 ',
]

const encoder = new TextEncoder()
const utf8AsLatin1 = (text: string): string => Buffer.from(encoder.encode(text)).toString('latin1')

const prefixes: ReadonlySet<string> = new Set([...PREFIXES.map(utf8AsLatin1), 'durée : ', 'duración: '])
const wordsAfterUnit = (words: readonly string[]): RegExp =>
  new RegExp(`^ [^ ,]+(?:  |, )(?:${words.map(utf8AsLatin1).join('|')})`)
const parseTail = wordsAfterUnit(PARSE_WORDS)
const bindTail = wordsAfterUnit(BIND_WORDS)

const ZERO = 0x30
const POINT = 0x2e
/** No translation's prefix is longer, in bytes. */
const LONGEST_PREFIX = 48
/** Digits in front of the point: thirty thousand years. With more it is no duration, nor a number for everyone. */
const MOST_DIGITS = 15
const ID = encoder.encode('duration: %')
const ID_PARSE = encoder.encode('duration: %s ms  parse ')
const ID_BIND = encoder.encode('duration: %s ms  bind ')

/** Finds the duration in a record's message; undefined when the message is not about one. Call `walk` first. */
export function findDuration(record: RecordView): Duration | undefined {
  const start = record.spans[2 * Field.ErrMessage]!
  if (start < 0) return undefined
  const hasId = record.has(Field.MessageId)
  if (hasId && !startsWith(record, Field.MessageId, ID)) return undefined
  const end = numberEnd(record.bytes, start, record.spans[2 * Field.ErrMessage + 1]!)
  if (end < 0) return undefined
  let digits = end - 4
  while (digits > start && isDigit(record.bytes[digits - 1]!)) digits--
  if (end - digits > MOST_DIGITS + 4) return undefined
  if (!hasId && !prefixes.has(slice(record.bytes, start, digits))) return undefined
  // A number has no zeros in front, for JSON least of all; PostgreSQL writes none but the one before the point.
  while (record.bytes[digits] === ZERO && record.bytes[digits + 1] !== POINT) digits++
  return { start: digits, end, phase: hasId ? phaseOfId(record) : phaseOfText(record, end) }
}

// Here and below bytes are compared where they are: this runs for every record that is rendered.
function startsWith(record: RecordView, field: number, text: Uint8Array): boolean {
  const from = record.spans[2 * field]!
  if (record.spans[2 * field + 1]! - from < text.length) return false
  // From the end, where texts that begin alike differ first.
  for (let i = text.length - 1; i >= 0; i--) if (record.bytes[from + i] !== text[i]) return false
  return true
}

const slice = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1', from, to)

/** Where the first number of a message ends, when it has just three decimals; else -1. */
function numberEnd(bytes: Uint8Array, from: number, to: number): number {
  const limit = Math.min(to, from + LONGEST_PREFIX)
  let at = from
  while (at < limit && !isDigit(bytes[at]!)) at++
  if (at === limit) return -1
  while (at < to && isDigit(bytes[at]!)) at++
  const end = at + 4
  if (end > to || bytes[at] !== 0x2e || (end < to && isDigit(bytes[end]!))) return -1
  return isDigit(bytes[at + 1]!) && isDigit(bytes[at + 2]!) && isDigit(bytes[at + 3]!) ? end : -1
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39

function phaseOfId(record: RecordView): DurationPhase {
  if (startsWith(record, Field.MessageId, ID_PARSE)) return 'parse'
  return startsWith(record, Field.MessageId, ID_BIND) ? 'bind' : undefined
}

function phaseOfText(record: RecordView, after: number): DurationPhase {
  const end = record.spans[2 * Field.ErrMessage + 1]!
  const tail = slice(record.bytes, after, Math.min(end, after + 80))
  if (parseTail.test(tail)) return 'parse'
  return bindTail.test(tail) ? 'bind' : undefined
}
