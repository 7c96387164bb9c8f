/**
 * PostgreSQL's severities, from its source `elog.h`. The numbers on the wire are the server's own and move between
 * major versions; the names do not.
 */

/** Severity names from the least to the most severe, in the order in which `--level` thresholds them. */
export const SEVERITIES = [
  'DEBUG5',
  'DEBUG4',
  'DEBUG3',
  'DEBUG2',
  'DEBUG1',
  'INFO',
  'NOTICE',
  'LOG',
  'WARNING',
  'ERROR',
  'FATAL',
  'PANIC',
  'UNKNOWN',
] as const

/** One of PostgreSQL's severities, or UNKNOWN for a number that its version does not have. */
export type Severity = (typeof SEVERITIES)[number]

const rank = (severity: Severity): number => SEVERITIES.indexOf(severity)

/** Rank of LOG: the one severity whose place in the order is a matter of meaning, not of number. */
export const LOG_RANK = rank('LOG')
const UNKNOWN_RANK = rank('UNKNOWN')

const COMMON: Readonly<Record<number, Severity>> = {
  10: 'DEBUG5',
  11: 'DEBUG4',
  12: 'DEBUG3',
  13: 'DEBUG2',
  14: 'DEBUG1',
  15: 'LOG',
  16: 'LOG', // LOG_SERVER_ONLY, which the server's own log shows as LOG
  17: 'INFO',
  18: 'NOTICE',
  19: 'WARNING',
}

const UP_TO_13: Readonly<Record<number, Severity>> = { ...COMMON, 20: 'ERROR', 21: 'FATAL', 22: 'PANIC' }
// 20 became WARNING_CLIENT_ONLY in 14, 23 became FATAL_CLIENT_ONLY in 19; neither reaches the hook, and a frame that
// carries one all the same is shown by its base severity.
const FROM_14: Readonly<Record<number, Severity>> = {
  ...COMMON,
  20: 'WARNING',
  21: 'ERROR',
  22: 'FATAL',
  23: 'PANIC',
}
const FROM_19: Readonly<Record<number, Severity>> = { ...FROM_14, 23: 'FATAL', 24: 'PANIC' }

const toRanks = (table: Readonly<Record<number, Severity>>): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, elevel) => rank(table[elevel] ?? 'UNKNOWN'))

const RANKS = [toRanks(UP_TO_13), toRanks(FROM_14), toRanks(FROM_19)] as const

/**
 * The table that maps a server's raw elevel (index, 0 to 31) to an index into SEVERITIES.
 *
 * @param major the server's major version, as its `V` frame says
 */
export function severityRanks(major: number): Uint8Array {
  return RANKS[major >= 19 ? 2 : major >= 14 ? 1 : 0]
}

/** Index into SEVERITIES of a raw elevel, by such a table; numbers outside it are UNKNOWN. */
export function rankOf(ranks: Uint8Array, elevel: number): number {
  return elevel >= 0 && elevel < 32 ? ranks[elevel]! : UNKNOWN_RANK
}

/** Severity that a server of this major version means by a raw elevel. */
export function severityOf(major: number, elevel: number): Severity {
  return SEVERITIES[rankOf(severityRanks(major), elevel)]!
}

/** Raw elevel by which a server of this major version says a severity. */
export function elevelOf(major: number, severity: Exclude<Severity, 'UNKNOWN'>): number {
  // The lowest number of a name is its base severity: the client-only twins come after it.
  return RANKS[major >= 19 ? 2 : major >= 14 ? 1 : 0].indexOf(rank(severity))
}

/** Rank of a severity name written by a person, in any case; undefined when there is none of that name. */
export function parseSeverity(text: string): number | undefined {
  const found = SEVERITIES.indexOf(text.toUpperCase() as Severity)
  return found >= 0 && found !== UNKNOWN_RANK ? found : undefined
}
