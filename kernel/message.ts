import { isDigit } from './digits'
import { endOf, has, startOf } from './fields'
import {
  BIND_ID,
  DURATION,
  DURATION_END,
  DURATION_ID,
  ENCODING,
  ERR_MESSAGE,
  KEYS,
  MESSAGE_ID,
  PARSE_ID,
  PHASE,
  SQL_ASCII,
  TRACEPARENT,
  USER_QUERY,
  UTF8,
} from './layout'
import { setParameter } from './parameters'

/** What stands in a record's texts, found where they lie: as in src/record/, which has the rules and the reasons. */

const ZERO: u8 = 0x30
const POINT: u8 = 0x2e
/** A slash and a star, as they lie in memory. */
const COMMENT: u16 = 0x2a2f

/** No translation of `duration: ` is longer, in bytes. */
const LONGEST_PREFIX: u32 = 48
const MOST_DIGITS: u32 = 15

/** Whether the record's text is UTF-8, or not named otherwise. */
export function isUtf8(): bool {
  const start = startOf(ENCODING)
  const end = endOf(ENCODING)
  return start === end || isText(start, end, UTF8) || isText(start, end, SQL_ASCII)
}

/**
 * Notes where the digits of a duration stand in the message, if it is about one.
 *
 * @returns whether that can be told here: without an id, the translations of the message have to be known
 */
export function findDuration(): bool {
  setParameter(DURATION, -1)
  if (!has(ERR_MESSAGE) || (has(MESSAGE_ID) && !idBegins(DURATION_ID))) return true
  const start = startOf(ERR_MESSAGE)
  const end = numberEnd(start, endOf(ERR_MESSAGE))
  if (end === 0) return true
  if (!has(MESSAGE_ID)) return false
  noteDuration(start, end)
  return true
}

function noteDuration(start: u32, end: u32): void {
  let digits = end - 4
  while (digits > start && isDigit(load<u8>(digits - 1))) digits--
  if (end - digits > MOST_DIGITS + 4) return
  // A number has no zeros in front, but for the one before the point.
  while (load<u8>(digits) === ZERO && load<u8>(digits, 1) !== POINT) digits++
  setParameter(DURATION, digits)
  setParameter(DURATION_END, end)
  setParameter(PHASE, idBegins(PARSE_ID) ? 1 : idBegins(BIND_ID) ? 2 : 0)
}

/** Where the first number of a message ends, when it has just three decimals; else 0. */
function numberEnd(from: u32, to: u32): u32 {
  const limit = min(to, from + LONGEST_PREFIX)
  let at = from
  while (at < limit && !isDigit(load<u8>(at))) at++
  if (at === limit) return 0
  while (at < to && isDigit(load<u8>(at))) at++
  const end = at + 4
  if (end > to || load<u8>(at) !== POINT || (end < to && isDigit(load<u8>(end)))) return 0
  return isDigit(load<u8>(at, 1)) && isDigit(load<u8>(at, 2)) && isDigit(load<u8>(at, 3)) ? end : 0
}

/** Whether the statement may hold a trace context: only a comment does, and there it has a name. */
export function mayHaveTrace(): bool {
  const field: u32 = has(USER_QUERY) ? USER_QUERY : ERR_MESSAGE
  if (!has(field)) return false
  const start = startOf(field)
  const end = endOf(field)
  return hasComment(start, end) && holds(start, end, TRACEPARENT)
}

/** Eight bytes at a time for a slash, by the usual test for "a byte is zero". */
function hasComment(start: u32, end: u32): bool {
  for (let at = start; at < end; at += 8) {
    const slashes = load<u64>(at) ^ 0x2f2f2f2f2f2f2f2f
    if (((slashes - 0x0101010101010101) & ~slashes & 0x8080808080808080) === 0) continue
    for (let i = at; i < at + 8 && i + 1 < end; i++) if (load<u16>(i) === COMMENT) return true
  }
  return false
}

function holds(start: u32, end: u32, key: u32): bool {
  for (let at = start; at < end; at++) if (begins(at, end, key)) return true
  return false
}

function idBegins(key: u32): bool {
  return begins(startOf(MESSAGE_ID), endOf(MESSAGE_ID), key)
}

function isText(start: u32, end: u32, key: u32): bool {
  return end - start === load<u32>(KEYS + (key << 3), 4) && begins(start, end, key)
}

/** Whether a text begins with a piece. */
function begins(start: u32, end: u32, key: u32): bool {
  const piece = load<u32>(KEYS + (key << 3))
  const length = load<u32>(KEYS + (key << 3), 4)
  if (end - start < length) return false
  for (let i: u32 = 0; i < length; i++) if (load<u8>(start + i) !== load<u8>(piece + i)) return false
  return true
}
