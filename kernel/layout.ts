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
/** Of a run: bytes of the records that were taken; whether it ends in front of one that may hold a password. */
export const TAKEN = 9
export const SPARES_PASSWORDS = 10

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
/** Texts to look for: what the ids of durations begin with, the name of a trace context, encodings that need no change. */
export const DURATION_ID = 11
export const PARSE_ID = 12
export const BIND_ID = 13
export const TRACEPARENT = 14
export const UTF8 = 29
export const SQL_ASCII = 30
/** The severities' pieces, by rank. */
export const FIRST_SEVERITY = 16

/** Kind of each field, a byte each, as src/codec/fields.ts numbers them; rank of each raw severity of the source's, a byte each. */
export const KINDS = 3584
export const RANKS = 3648
export const RANK_COUNT = 32
export const KIND_NULLABLE = 1
export const KIND_INT32 = 2
export const KIND_INT64 = 3

/** Fields that the kernel looks at by itself, as src/codec/fields.ts has them, and how many a record of logfebe-2 has. */
export const ELEVEL = 11
export const USER_QUERY_POS = 20
export const ERR_MESSAGE = 13
export const USER_QUERY = 19
export const MESSAGE_ID = 28
export const ENCODING = 35
export const FIELDS = 38

/** Condition names by state: a 64-bit word that holds the five characters, then address and length; sorted by state. */
export const STATES = 4096
export const STATE_BYTES = 16
/** How many there are, as a 32-bit word. */
export const STATE_COUNT = 3328

/** Programs and pieces are put here, one behind the other. */
export const PIECES = 12_288
/** Where each record of a run ends, from the first one's first byte on, rendered: 32-bit words, so many at the most. */
export const ENDS = 57_344
export const MOST_ENDS = 1024
/** What every record of one source ends with, and what its unique ids begin with. */
export const TAIL = 65_536
export const UID_PREFIX = 163_840
/** The record. Where it is rendered to follows behind it. */
export const RECORD = 196_608

/** Room that a record's JSON can take beside its text and the source's tail: keys, numbers, names, an id. */
export const FIXED_ROOM = 2048
/** A byte of text becomes at most this many bytes of JSON. */
export const MOST_GROWTH = 6

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
