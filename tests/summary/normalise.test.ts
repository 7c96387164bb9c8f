import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { Normaliser } from '../../src/summary/normalise.ts'

const normaliser = new Normaliser()

function normalised(statement: string | Uint8Array): string {
  const bytes = typeof statement === 'string' ? new TextEncoder().encode(statement) : statement
  return Buffer.from(normaliser.bytes.subarray(0, normaliser.run(bytes, 0, bytes.length))).toString()
}

describe('a statement without its literals', () => {
  test.each([
    ["SELECT * FROM t\n\tWHERE id = 17 AND n = 'it''s'", 'select * from t where id = ? and n = ?'],
    ['select a from t where id in (1, 2,3)', 'select a from t where id in (?, …)'],
    ['select a from t where id IN ($1, $2)', 'select a from t where id in (?, …)'],
    ['select a from t where id in (-1,+2)', 'select a from t where id in (?, …)'],
    ["insert into t(a, b) values (1,'x'),(2,'y') , (3,'z')", 'insert into t(a, b) values (?, …), …'],
    ["insert into t ( a,b ) values (1,'x'), (2, now())", 'insert into t(a, b) values (?, …), (?, now())'],
    ['select 1 -- why\n from /* a /* b */ c */ t', 'select ? from t'],
    ["select $$it's$$, $q$ $$ $q$, E'\\'', U&'\\0041', x'1f'", 'select ?, …'],
    ['select t1.c2, "My ""T"".1" from t1', 'select t1.c2, "My ""T"".1" from t1'],
    ['select 1.5e-10, .5, 0x1F, 1_000', 'select ?, …'],
    ['select a-1, a - 1, (-1)', 'select a - ?, a - ?, (?)'],
    ["select x::int, '1'::text, now( )", 'select x::int, ?::text, now()'],
    ['select count( * ) from t', 'select count(*) from t'],
    ["select * from größe where name = 'ü'", 'select * from größe where name = ?'],
    ['select 1 ; ', 'select ?'],
    ['', ''],
    ['-- nothing', ''],
  ])('%p', (statement, expected) => expect(normalised(statement)).toBe(expected))

  test.each([
    ["a string without an end: 'secret"],
    ['a quoted name without an end: "secret'],
    ['a dollar quote without an end: $$secret'],
    ['a comment without an end: /* secret'],
    ["a backslash that may be an escape: 'x\\' , ' secret ' "],
    ["and where it is one: 'it\\'s secret'"],
  ])('nothing leaks: %s', (statement) => {
    const [, behind] = statement.split(': ')
    expect(normalised(`select ${behind}`)).not.toContain('secret')
  })

  test('one that is long is cut between two characters', () => {
    const cut = normalised(`select ${'größe, '.repeat(2000)}`)
    expect(cut).toEndWith('…')
    expect(cut).not.toContain('\ufffd')
    expect(Buffer.byteLength(cut)).toBeLessThan(2100)
  })
})

/** Something that must not be seen again, in each way in which SQL can write it. */
const secret = fc.stringMatching(/^[a-z]{3,6}$/).map((word) => `zq${word}`)
const text = fc
  .tuple(secret, fc.constantFrom('', "'", '"', '$', '--', '/*', '*/', '\n', ';', '?'))
  .map((parts) => parts.join(''))
const double = (value: string): string => value.replaceAll("'", "''")
const literal = fc.oneof(
  text.map((value) => `'${double(value)}'`),
  text.map((value) => `E'${double(value)}\\' \\\\'`),
  text.map((value) => `n'${double(value)}'`),
  text.map((value) => `U&'${double(value)}'`),
  text.map((value) => `$body$${value}$body$`),
  text.filter((value) => !value.includes('$')).map((value) => `$$${value}$$`),
  text.filter((value) => !/[/*]/.test(value)).map((value) => `/* ${value} */ 1`),
  text.filter((value) => !value.includes('\n')).map((value) => `-- ${value}\n 1`),
  fc.integer({ min: 770_000, max: 779_999 }).map((value) => `${value}`),
  fc.integer({ min: 770_000, max: 779_999 }).map((value) => `-${value}.77e+77`),
)
const between = fc.constantFrom(', ', ' = ', ' + ', '), (', ' and x <> ', '::text, ', ' || ', '\n\t,')

describe('whatever it is made of', () => {
  test('no literal is seen again', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(literal, between), { minLength: 1, maxLength: 12 }), (parts) => {
        const result = normalised(`SELECT a FROM t WHERE (b = ${parts.flat().join('')} c)`)
        expect(result).not.toMatch(/zq[a-z]|77/)
        expect(result).toStartWith('select a from t where (b = ?')
      }),
      { numRuns: 500 },
    )
  })

  test('other literals, spaces and cases do not make another statement', () => {
    const layout = fc.tuple(fc.constantFrom(' ', '\n', '  \t', ' /* x */ '), literal, fc.boolean())
    const write = ([space, value, upper]: readonly [string, string, boolean]) => {
      const sql = ['select', 'a', 'from', 't', 'where', 'b', '=', value, 'order', 'by', 'c'].join(space)
      return upper ? sql.replace('select', 'SELECT').replace(' from', ' FROM') : sql
    }
    fc.assert(
      fc.property(layout, layout, (one, other) => {
        expect(normalised(write(one))).toBe(normalised(write(other)))
      }),
    )
  })

  test('nor does it go out of its bounds, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4000 }), (bytes) => {
        expect(normaliser.run(bytes, 0, bytes.length)).toBeLessThanOrEqual(normaliser.bytes.length)
      }),
    )
  })

  test('it is the same once more', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(literal, between), { minLength: 1, maxLength: 5 }), (parts) => {
        const once = normalised(`select a from t where (b = ${parts.flat().join('')} c)`)
        // What `…` stands for is gone.
        if (!once.includes('…')) expect(normalised(once.replaceAll('?', '1'))).toBe(once)
      }),
    )
  })
})
