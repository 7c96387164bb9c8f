/**
 * Where things stand in the kernel's memory, and the words of its programs. Read by the kernel (AssemblyScript) and by
 * what drives it (src/record/kernel.ts): nothing here but whole numbers.
 */

/** First byte of each field, and the byte after its last, as the record's view has them: see src/record/view.ts. */
export const SPANS = 1024

/** What a record is rendered with beside itself: 32-bit words. */
export const PARAMETERS = 2048
/** Index into the severities' pieces. */
export const SEVERITY = 0
/** Bytes of the source's tail, and of what its unique ids begin with. */
export const TAIL_LENGTH = 1
export const UID_LENGTH = 2
/** Place in the sender's order, as two halves; whether there is one. */
export const SEQUENCE_LOW = 3
export const SEQUENCE_HIGH = 4
export const HAS_SEQUENCE = 5
/** Where the digits of a duration stand, as the view has it; -1 where there is none. Its phase: 0 none, 1 parse, 2 bind. */
export const DURATION = 6
export const DURATION_END = 7
export const PHASE = 8

/** Table of pieces with a fixed meaning: address and length of each, as 32-bit words. */
export const KEYS = 2304
export const REMOTE_HOST = 0
export const REMOTE_PORT = 1
export const FUNC_NAME = 2
export const FILE_NAME = 3
export const FILE_LINE_NUM = 4
export const SEQ = 5
export const UID = 6
export const DURATION_MS = 7
export const PARSE_MS = 8
export const BIND_MS = 9
export const TRUNCATED = 10
/** The severities' pieces follow, by rank. */
export const FIRST_SEVERITY = 16

/** Condition names by state: a 64-bit word that holds the five characters, then address and length; sorted by state. */
export const STATES = 4096
export const STATE_BYTES = 16
/** How many there are, as a 32-bit word. */
export const STATE_COUNT = 3328

/** Programs and pieces are put here, one behind the other. */
export const PIECES = 12_288
/** What every record of one source ends with, and what its unique ids begin with. */
export const TAIL = 65_536
export const UID_PREFIX = 163_840
/** The record. Where it is rendered to follows behind it. */
export const RECORD = 196_608

/** A step of a program: what to do, with which field, behind which piece (address, length). 32-bit words. */
export const STEP_BYTES = 16
export const TEXT = 0
export const INT32 = 1
export const INT64 = 2
/** An int32 that counts only above zero. */
export const POSITION = 3
/** An int32 that counts unless it is zero. */
export const NOT_ZERO = 4
export const ADDRESS = 5
export const FILE_POSITION = 6
export const WRITE_SEVERITY = 7
export const STATE = 8
export const STATE_NAME = 9
export const WRITE_TAIL = 10
export const IDS = 11
export const WRITE_DURATION = 12
/** The original size, when the field's lowest bit is set. */
export const WRITE_TRUNCATED = 13
