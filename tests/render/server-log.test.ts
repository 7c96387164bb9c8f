import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { LogFields } from '../../src/codec/log.ts'
import { elevelOf } from '../../src/codec/severity.ts'
import { makeEncoder, type Style } from '../../src/render/make-encoder.ts'
import { VERBOSITIES } from '../../src/render/server-log.ts'
import { jsonOf, recordOf, type Surroundings } from '../record/records.ts'
import { anyFields } from './arbitrary.ts'
import { csvRows } from './csv-reader.ts'
import { encoded } from './encoded.ts'
import { BASE } from './pretty-text.ts'

/** The formats of PostgreSQL's own log; tests/shim/formats.test.ts compares them with a real server's files. */

type ServerFormat = 'csvlog' | 'jsonlog' | 'stderr'

const write = (
  format: ServerFormat,
  fields: LogFields,
  style: Style = {},
  around: Surroundings = {},
): string => encoded(makeEncoder(format, style), recordOf({ ...BASE, ...fields }, around))

const ERROR: LogFields = {
  ELevel: elevelOf(15, 'ERROR'),
  SQLState: '42703',
  ErrMessage: 'column "x"\ndoes not exist',
  ErrDetail: 'd',
  ErrHint: 'h',
  InternalQuery: 'SELECT x',
  InternalQueryPos: 8,
  ErrContext: 'c',
  UserQuery: 'SELECT\n f()',
  UserQueryPos: 3,
  FileErrPos: 'errorMissingColumn, parse_relation.c:3600',
  Backtrace: '\n\tpostgres(+0x1)',
}

describe('stderr', () => {
  const time = '2026-03-01 12:00:00.001 UTC [3611] '

  test('has a line for each thing there is to say', () => {
    expect(write('stderr', ERROR)).toBe(
      `${time}ERROR:  column "x"\n\tdoes not exist at character 3\n${time}DETAIL:  d\n${time}HINT:  h\n` +
        `${time}QUERY:  SELECT x\n${time}CONTEXT:  c\n${time}BACKTRACE:  \n\t\tpostgres(+0x1)\n${time}STATEMENT:  SELECT\n\t f()\n`,
    )
  })

  test('terse', () => {
    expect(write('stderr', ERROR, { logErrorVerbosity: 'terse' })).toBe(
      `${time}ERROR:  column "x"\n\tdoes not exist at character 3\n${time}STATEMENT:  SELECT\n\t f()\n`,
    )
  })

  test('verbose', () => {
    const text = write('stderr', ERROR, { logErrorVerbosity: 'verbose' })
    expect(text).toStartWith(`${time}ERROR:  42703: column "x"\n`)
    expect(text).toContain(`${time}LOCATION:  errorMissingColumn, parse_relation.c:3600\n`)
  })

  test('says where the query failed that the server made, and that a message is missing', () => {
    expect(write('stderr', { ErrMessage: null, InternalQuery: 'x', InternalQueryPos: 7 })).toBe(
      `${time}LOG:  missing error text at character 7\n${time}QUERY:  x\n`,
    )
  })
})

describe('csvlog', () => {
  test.each([
    ['12.9', 23],
    ['13.4', 24],
    ['14.2', 26],
    ['15.20', 26],
    ['19rc1', 26],
  ])('of PostgreSQL %s has %d columns', (server, columns) => {
    for (const protocol of [1, 2] as const) {
      expect(csvRows(write('csvlog', {}, {}, { server, protocol }))[0]!.length).toBe(columns)
    }
  })

  test('does not let a sender move the columns', () => {
    const [row, ...others] = csvRows(write('csvlog', { LogTime: 'a,b\n"c"', SessionId: '\r' }))
    expect(row!.slice(0, 6)).toEqual(['a,b\n"c"', 'etl', 'shop', '3611', null, '\r'])
    expect(others).toEqual([])
  })

  test('parses back into what the record holds', () => {
    fc.assert(
      fc.property(anyFields(fc.constant('UTF8')), (fields) => {
        const record = recordOf(fields, { server: '15.20' })
        const [row, ...others] = csvRows(
          encoded(makeEncoder('csvlog', { logErrorVerbosity: 'verbose' }), record),
        )
        expect(others).toEqual([])
        expect(row!.length).toBe(26)
        const event = JSON.parse(jsonOf(record))
        for (const [column, key] of [
          [0, 'timestamp'],
          [1, 'user'],
          [2, 'dbname'],
          [7, 'ps'],
          [13, 'message'],
          [14, 'detail'],
          [15, 'hint'],
          [16, 'internal_query'],
          [18, 'context'],
          [19, 'statement'],
          [22, 'application_name'],
          [23, 'backend_type'],
        ] as const) {
          expect(row![column] ?? '').toBe(event[key] ?? '')
        }
        expect(row![3]).toBe(String(event.pid))
        expect(row![17]).toBe(
          event.internal_query === undefined ? null : (event.internal_position?.toString() ?? null),
        )
      }),
    )
  })
})

describe('jsonlog', () => {
  test('is the first part of the canonical JSON, but for what PostgreSQL leaves out', () => {
    fc.assert(
      fc.property(anyFields(fc.constantFrom('UTF8', 'LATIN1', 'SJIS')), (fields) => {
        const record = recordOf(fields)
        const line = encoded(makeEncoder('jsonlog', { logErrorVerbosity: 'verbose' }), record)
        expect(line.indexOf('\n')).toBe(line.length - 1)
        const event = JSON.parse(line)
        const canonical = JSON.parse(jsonOf(record))
        if (canonical.error_severity.startsWith('DEBUG')) canonical.error_severity = 'DEBUG'
        if (canonical.application_name === '') delete canonical.application_name
        if (canonical.internal_query === undefined) delete canonical.internal_position
        if (canonical.statement === undefined) delete canonical.cursor_position
        const keys = Object.keys(canonical)
        const own = keys.slice(0, keys.indexOf('identity'))
        expect(Object.entries(event)).toEqual(own.map((key) => [key, canonical[key]]))
      }),
    )
  })

  test('keeps every digit', () => {
    expect(write('jsonlog', { QueryId: -8637085003156352615n })).toContain('"query_id":-8637085003156352615}')
  })

  test('has the place in the source only when verbose', () => {
    expect(write('jsonlog', ERROR)).not.toContain('func_name')
    expect(write('jsonlog', ERROR, { logErrorVerbosity: 'verbose' })).toContain(
      '"func_name":"errorMissingColumn","file_name":"parse_relation.c","file_line_num":3600,',
    )
  })
})

test('text of another encoding becomes UTF-8', () => {
  const fields = { Encoding: 'LATIN1', ErrMessage: Uint8Array.of(0x67, 0xf6, 0x22) }
  expect(write('csvlog', fields)).toContain(',"gö""",')
  expect(write('jsonlog', fields)).toContain('"message":"gö\\""')
  expect(write('stderr', fields)).toContain('LOG:  gö"\n')
})

test('no record touches more room than was asked for, in whatever encoding', () => {
  const encodings = fc.constantFrom(
    'UTF8',
    'LATIN1',
    'LATIN5',
    'SJIS',
    'EUC_TW',
    'GB18030',
    'BIG5',
    'nonsense',
  )
  const formats = fc.constantFrom<ServerFormat>('csvlog', 'jsonlog', 'stderr')
  fc.assert(
    fc.property(
      anyFields(encodings),
      formats,
      fc.constantFrom(...VERBOSITIES),
      (fields, format, verbosity) => {
        const record = recordOf(fields)
        expect(encoded(makeEncoder(format, { logErrorVerbosity: verbosity }), record)).toEndWith('\n')
      },
    ),
  )
})
