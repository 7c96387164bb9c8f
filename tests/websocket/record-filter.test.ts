import { expect, test } from 'bun:test'
import fc from 'fast-check'
import type { LogFields } from '../../src/codec/log.ts'
import { SEVERITIES } from '../../src/codec/severity.ts'
import { JsonEncoder } from '../../src/record/json.ts'
import { roomOf } from '../../src/record/room.ts'
import { recordFilter } from '../../src/websocket/record-filter.ts'
import { recordOf } from '../record/records.ts'

/** The encoder's own bytes, not what JSON.stringify would write. */
function canonical(fields: LogFields): Buffer {
  const record = recordOf(fields, { sequence: 1n, bootId: 7n })
  const encoder = new JsonEncoder()
  const room = roomOf(new Uint8Array(encoder.room(record)))
  return Buffer.from(room.bytes.subarray(0, encoder.encode(record, room, 0)))
}

/** Texts that have something to do with each other, and with what the filter looks for. */
const texts = fc.oneof(
  fc.constantFrom(
    'shop',
    'shopping',
    '',
    'a"b',
    '\\',
    ',"dbname":"shop"',
    '","user":"shop',
    'é\n\u2028',
    '\u0001',
  ),
  // PostgreSQL's text holds no zero byte.
  fc.string({ unit: 'grapheme', maxLength: 6 }).map((text) => text.replaceAll('\0', '')),
)

test('bytes that are looked for in JSON find what a parser would', () => {
  const fields = fc.record({
    DatabaseName: fc.option(texts),
    UserName: fc.option(texts),
    ErrMessage: texts,
    ELevel: fc.integer({ min: 10, max: 24 }),
    SQLState: fc.constantFrom('00000', '23505', '57P01'),
  })
  const wanted = fc.record({
    level: fc.option(fc.integer({ min: 0, max: SEVERITIES.length - 2 }), { nil: undefined }),
    db: fc.option(texts),
    user: fc.option(texts),
    prefix: fc.boolean(),
  })
  fc.assert(
    fc.property(fields, wanted, (given, { level, db, user, prefix }) => {
      const record = canonical({ ...given, Encoding: 'UTF8' })
      const asked = new Map<string, string[]>()
      const star = prefix ? '*' : ''
      if (db !== null && !db.endsWith('*')) asked.set('dbname', [db + star])
      if (user !== null && !user.endsWith('*')) asked.set('user', [user + star, 'nobody at all'])
      const parsed = JSON.parse(record.toString()) as Record<string, string>
      const fits = [...asked].every(([key, [value]]) => {
        const has = parsed[key]
        return has !== undefined && (prefix ? has.startsWith(value!.slice(0, -1)) : has === value)
      })
      const severe = (SEVERITIES as readonly string[]).indexOf(parsed['error_severity']!) >= (level ?? 0)
      expect(recordFilter({ level, fields: asked })?.(record) ?? true).toBe(fits && severe)
    }),
    { numRuns: 2000 },
  )
})

test('what is looked for anywhere is found as JSON writes it', () => {
  fc.assert(
    fc.property(texts, texts, texts, (before, text, after) => {
      const record = canonical({ ErrMessage: before + text + after, ELevel: 15, Encoding: 'UTF8' })
      expect(recordFilter({ fields: new Map(), grep: text })!(record)).toBe(true)
    }),
  )
})
