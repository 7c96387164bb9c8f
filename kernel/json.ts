import { fileEndIn, fileStartIn, hostEndIn } from './compound'
import { writeSigned, writeUnsigned } from './digits'
import { endOf, has, int32At, int64At, setMoved, startOf } from './fields'
import {
  ADDRESS,
  BIND_MS,
  DURATION,
  DURATION_END,
  DURATION_MS,
  FILE_LINE_NUM,
  FILE_NAME,
  FILE_POSITION,
  FIRST_SEVERITY,
  FUNC_NAME,
  HAS_SEQUENCE,
  IDS,
  INT32,
  INT64,
  KEYS,
  NOT_ZERO,
  PARSE_MS,
  PHASE,
  POSITION,
  REMOTE_HOST,
  REMOTE_PORT,
  SEQ,
  SEQUENCE_HIGH,
  SEQUENCE_LOW,
  SEVERITY,
  STATE,
  STATE_BYTES,
  STATE_COUNT,
  STATE_NAME,
  STATES,
  STEP_BYTES,
  TAIL,
  TAIL_LENGTH,
  TEXT,
  TRUNCATED,
  UID,
  UID_LENGTH,
  UID_PREFIX,
  WRITE_DURATION,
  WRITE_SEVERITY,
  WRITE_TAIL,
  WRITE_TRUNCATED,
} from './layout'
import { parameter } from './parameters'
import { writePiece, writePlain, writeText } from './text'

const QUOTE: u8 = 0x22
const DASH: u8 = 0x2d
/** `00000`, as it lies in memory. */
const SUCCESS: u64 = 0x3030303030
const FIVE_BYTES: u64 = 0xffffffffff

/**
 * Writes the members of a record's JSON object that a program asks for, from `at` on.
 *
 * @param from to @param to the program
 * @param moved what lies between an offset of the view and the same byte here
 * @returns the offset after the last
 */
export function render(from: u32, to: u32, moved: u32, at: u32): u32 {
  setMoved(moved)
  for (let step = from; step < to; step += STEP_BYTES) {
    const field = load<u32>(step, 4)
    // Steps that are not about a field name one that is never absent.
    if (!has(field)) continue
    const key = load<u32>(step, 8)
    at = perform(load<u32>(step), startOf(field), endOf(field), key, load<u32>(step, 12), at, moved)
  }
  return at
}

function perform(what: u32, start: u32, end: u32, key: u32, length: u32, at: u32, moved: u32): u32 {
  switch (what) {
    case TEXT:
      return quoted(writePiece(at, key, length), start, end)
    case INT32:
      return writeSigned(writePiece(at, key, length), int32At(start))
    case INT64:
      return writeSigned(writePiece(at, key, length), int64At(start))
    case POSITION:
      return int32At(start) > 0 ? writeSigned(writePiece(at, key, length), int32At(start)) : at
    case NOT_ZERO:
      return int32At(start) !== 0 ? writeSigned(writePiece(at, key, length), int32At(start)) : at
    case ADDRESS:
      return address(at, start, end)
    case FILE_POSITION:
      return filePosition(at, start, end)
    case WRITE_SEVERITY:
      return keyed(at, FIRST_SEVERITY + parameter(SEVERITY))
    case STATE:
      return stateOf(start, end) === SUCCESS ? at : quoted(writePiece(at, key, length), start, end)
    case STATE_NAME:
      return stateName(at, stateOf(start, end), key, length)
    case WRITE_TAIL:
      return writePiece(at, TAIL, parameter(TAIL_LENGTH))
    case IDS:
      return ids(at, start, end, key)
    case WRITE_DURATION:
      return duration(at, moved)
    case WRITE_TRUNCATED:
      return (int32At(start) & 1) === 0 ? at : writeSigned(keyed(at, TRUNCATED), int64At(startOf(key)))
    default:
      return at
  }
}

/** A piece with a fixed meaning. */
function keyed(at: u32, key: u32): u32 {
  const entry = KEYS + (key << 3)
  return writePiece(at, load<u32>(entry), load<u32>(entry, 4))
}

/** The inside of a string, and the quote that ends it. */
function quoted(at: u32, start: u32, end: u32): u32 {
  at = writeText(at, start, end)
  store<u8>(at, QUOTE)
  return at + 1
}

function address(at: u32, start: u32, end: u32): u32 {
  const hostEnd = hostEndIn(start, end)
  at = quoted(keyed(at, REMOTE_HOST), start, hostEnd)
  return hostEnd === end ? at : writePlain(keyed(at, REMOTE_PORT), hostEnd + 1, end)
}

function filePosition(at: u32, start: u32, end: u32): u32 {
  const fileEnd = fileEndIn(start, end)
  const fileStart = fileStartIn(start, fileEnd)
  if (fileStart > start + 2) at = quoted(keyed(at, FUNC_NAME), start, fileStart - 2)
  at = quoted(keyed(at, FILE_NAME), fileStart, fileEnd)
  return fileEnd === end ? at : writePlain(keyed(at, FILE_LINE_NUM), fileEnd + 1, end)
}

/** The five characters of a state as one number; 0 for one that has not five. */
function stateOf(start: u32, end: u32): u64 {
  return end - start === 5 ? load<u64>(start) & FIVE_BYTES : 0
}

/** The name of a condition, found by halves. */
function stateName(at: u32, state: u64, key: u32, length: u32): u32 {
  let low: u32 = 0
  let high = load<u32>(STATE_COUNT)
  while (low < high) {
    const middle = (low + high) >> 1
    const entry = STATES + middle * STATE_BYTES
    const found = load<u64>(entry)
    if (found === state) {
      at = writePiece(writePiece(at, key, length), load<u32>(entry, 8), load<u32>(entry, 12))
      store<u8>(at, QUOTE)
      return at + 1
    }
    if (found < state) low = middle + 1
    else high = middle
  }
  return at
}

/** The place in the sender's order and the unique id; the latter of session and line where there is no order. */
function ids(at: u32, session: u32, sessionEnd: u32, line: u32): u32 {
  if (parameter(HAS_SEQUENCE) !== 0) {
    const sequence = ((<u64>parameter(SEQUENCE_HIGH)) << 32) | parameter(SEQUENCE_LOW)
    at = writeUnsigned(keyed(at, SEQ), sequence)
    at = writeUnsigned(writePiece(keyed(at, UID), UID_PREFIX, parameter(UID_LENGTH)), sequence)
  } else {
    at = writeText(writePiece(keyed(at, UID), UID_PREFIX, parameter(UID_LENGTH)), session, sessionEnd)
    store<u8>(at, DASH)
    at = writeSigned(at + 1, int64At(startOf(line)))
  }
  store<u8>(at, QUOTE)
  return at + 1
}

function duration(at: u32, moved: u32): u32 {
  if (<i32>parameter(DURATION) < 0) return at
  const start = parameter(DURATION) + moved
  const end = parameter(DURATION_END) + moved
  at = writePlain(keyed(at, DURATION_MS), start, end)
  const phase = parameter(PHASE)
  return phase === 0 ? at : writePlain(keyed(at, phase === 1 ? PARSE_MS : BIND_MS), start, end)
}
