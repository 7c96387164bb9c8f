import { SEVERITIES, type Severity } from '../../codec/severity.ts'

/** SeverityNumber of OpenTelemetry's log data model by PostgreSQL's severity. */
const NUMBERS: Readonly<Record<Severity, number>> = {
  DEBUG5: 1,
  DEBUG4: 2,
  DEBUG3: 3,
  DEBUG2: 4,
  DEBUG1: 5,
  // LOG is information: it stands above ERROR only where the server decides what its log takes.
  LOG: 9,
  INFO: 9,
  NOTICE: 10,
  WARNING: 13,
  ERROR: 17,
  FATAL: 21,
  PANIC: 22,
  UNKNOWN: 0,
}

/** ERROR2: a FATAL ends a session, and not the server. */
const FATAL_AS_ERROR = 18

/** SeverityNumbers by rank. */
export const severityNumbers = (fatalAs: 'fatal' | 'error'): readonly number[] =>
  SEVERITIES.map((name) => (name === 'FATAL' && fatalAs === 'error' ? FATAL_AS_ERROR : NUMBERS[name]))
