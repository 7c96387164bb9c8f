import { endOf, int32At, setMoved, startOf } from './fields'
import { render } from './json'
import {
  ELEVEL,
  ENDS,
  FIXED_ROOM,
  MOST_GROWTH,
  RANK_COUNT,
  RANKS,
  SEQUENCE_HIGH,
  SEQUENCE_LOW,
  SEVERITY,
  SPARES_PASSWORDS,
  TAIL_LENGTH,
  TAKEN,
  USER_QUERY_POS,
} from './layout'
import { findDuration, isUtf8, mayHaveTrace } from './message'
import { parameter, setParameter } from './parameters'
import { mayHoldPassword } from './password'
import { walk } from './walk'

export { render } from './json'

const HEADER_BYTES: u32 = 5
const RECORD_FRAME: u8 = 0x4c
/** `}` and a newline, as they lie in memory. */
const LINE_END: u16 = 0x0a7d

/**
 * Renders records of logfebe-2 that follow each other, a line each, up to one that wants more than can be done here, or is not
 * whole, or is none. Notes where each line ends, and in `TAKEN` how many bytes the records had.
 *
 * @param at of the first frame; @param to behind the last byte that is there
 * @param program with @param programEnd what to write of each
 * @param out where to; @param limit behind the last byte that may be touched there
 * @param most records
 * @returns how many there are
 */
export function renderRun(
  at: u32,
  to: u32,
  program: u32,
  programEnd: u32,
  out: u32,
  limit: u32,
  most: u32,
): u32 {
  const start = at
  const target = out
  // Fields are found where they are.
  setMoved(0)
  let count: u32 = 0
  for (; count < most; count++) {
    const end = frameEnd(at, to)
    if (end === 0 || !fits(end - at, limit - out) || !isPlain(at + HEADER_BYTES, end)) break
    setParameter(SEVERITY, rank())
    out = render(program, programEnd, 0, out)
    store<u16>(out, LINE_END)
    out += 2
    store<u32>(ENDS + (count << 2), out - target)
    nextSequence()
    at = end
  }
  setParameter(TAKEN, at - start)
  return count
}

/** Where the record's frame ends that begins at `at`; 0 when it is not whole, or another one. */
function frameEnd(at: u32, to: u32): u32 {
  if (to - at < HEADER_BYTES || load<u8>(at) !== RECORD_FRAME) return 0
  const length = <u32>int32At(at + 1)
  return length >= 4 && length < to - at ? at + 1 + length : 0
}

/** Whether a record is sure to find room, whatever is in it. */
function fits(bytes: u32, room: u32): bool {
  const beside = parameter(TAIL_LENGTH) + <u32>FIXED_ROOM
  return <u32>MOST_GROWTH * bytes + beside <= room
}

/** Whether a record is whole, has nothing behind its fields, and needs nothing that only src/record/ can do. */
function isPlain(start: u32, end: u32): bool {
  return walk(start, end) === end && findDuration() && isUtf8() && !mayHaveTrace() && !isSpared()
}

/** The texts stand next to each other: one look is enough. */
function isSpared(): bool {
  if (parameter(SPARES_PASSWORDS) === 0) return false
  return mayHoldPassword(endOf(ELEVEL), startOf(USER_QUERY_POS))
}

function rank(): u32 {
  const elevel = int32At(startOf(ELEVEL))
  // The last of the table is that of a number that the source's version has not.
  return load<u8>(RANKS + (elevel >= 0 && elevel < RANK_COUNT ? elevel : RANK_COUNT))
}

function nextSequence(): void {
  const low = parameter(SEQUENCE_LOW) + 1
  setParameter(SEQUENCE_LOW, low)
  if (low === 0) setParameter(SEQUENCE_HIGH, parameter(SEQUENCE_HIGH) + 1)
}
