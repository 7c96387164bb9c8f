import { describe, expect, test } from 'bun:test'
import {
  elevelOf,
  LOG_RANK,
  parseSeverity,
  rankOf,
  SEVERITIES,
  type Severity,
  severityOf,
  severityRanks,
} from '../../src/codec/severity.ts'

const NAMES = SEVERITIES.filter((name): name is Exclude<Severity, 'UNKNOWN'> => name !== 'UNKNOWN')

/** What every version agrees on. */
const COMMON: readonly (readonly [number, Severity])[] = [
  [10, 'DEBUG5'],
  [11, 'DEBUG4'],
  [12, 'DEBUG3'],
  [13, 'DEBUG2'],
  [14, 'DEBUG1'],
  [15, 'LOG'],
  [16, 'LOG'],
  [17, 'INFO'],
  [18, 'NOTICE'],
  [19, 'WARNING'],
]
const UP_TO_13 = [
  [20, 'ERROR'],
  [21, 'FATAL'],
  [22, 'PANIC'],
  [23, 'UNKNOWN'],
] as const
const FROM_14 = [
  [20, 'WARNING'],
  [21, 'ERROR'],
  [22, 'FATAL'],
  [23, 'PANIC'],
  [24, 'UNKNOWN'],
] as const
const FROM_19 = [
  [20, 'WARNING'],
  [21, 'ERROR'],
  [22, 'FATAL'],
  [23, 'FATAL'],
  [24, 'PANIC'],
  [25, 'UNKNOWN'],
] as const
const VERSIONS = [
  [9, UP_TO_13],
  [13, UP_TO_13],
  [14, FROM_14],
  [15, FROM_14],
  [18, FROM_14],
  [19, FROM_19],
  [20, FROM_19],
] as const

describe.each(VERSIONS)('PostgreSQL %d', (major, own) => {
  test('elevels', () => {
    for (const [elevel, severity] of [...COMMON, ...own]) expect(severityOf(major, elevel)).toBe(severity)
  })

  test('numbers that no version has', () => {
    for (const elevel of [-(2 ** 31), -1, 0, 1, 9, 31, 32, 255, 2 ** 31 - 1]) {
      expect(severityOf(major, elevel)).toBe('UNKNOWN')
    }
  })

  test('every name has a number that means it', () => {
    for (const name of NAMES) expect(severityOf(major, elevelOf(major, name))).toBe(name)
  })
})

test('names are numbered by their base severity, not by a client-only twin', () => {
  expect(elevelOf(15, 'WARNING')).toBe(19)
  expect(elevelOf(15, 'LOG')).toBe(15)
  expect(elevelOf(19, 'FATAL')).toBe(22)
  expect(elevelOf(13, 'PANIC')).toBe(22)
})

test('thresholds order LOG below WARNING and above NOTICE', () => {
  expect(SEVERITIES[LOG_RANK]).toBe('LOG')
  expect(SEVERITIES.indexOf('NOTICE')).toBeLessThan(LOG_RANK)
  expect(SEVERITIES.indexOf('WARNING')).toBeGreaterThan(LOG_RANK)
  expect(SEVERITIES.indexOf('UNKNOWN')).toBe(SEVERITIES.length - 1)
})

test('rankOf looks into the table of the version', () => {
  expect(SEVERITIES[rankOf(severityRanks(13), 20)]).toBe('ERROR')
  expect(SEVERITIES[rankOf(severityRanks(14), 20)]).toBe('WARNING')
})

test('names as people write them', () => {
  for (const name of NAMES) {
    expect(parseSeverity(name)).toBe(SEVERITIES.indexOf(name))
    expect(parseSeverity(name.toLowerCase())).toBe(SEVERITIES.indexOf(name))
  }
  for (const text of ['', 'UNKNOWN', 'unknown', 'DEBUG', 'WARN', ' ERROR', 'constructor']) {
    expect(parseSeverity(text)).toBeUndefined()
  }
})
