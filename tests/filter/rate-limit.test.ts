import { describe, expect, test } from 'bun:test'
import { Field } from '../../src/codec/fields.ts'
import type { LogFields } from '../../src/codec/log.ts'
import { RateLimit } from '../../src/filter/rate-limit.ts'
import { SUPPRESSED_FORMAT } from '../../src/filter/suppressed-note.ts'
import { uidOf } from '../../src/record/uid.ts'
import type { RecordView } from '../../src/record/view.ts'
import { recordOf, type Surroundings } from '../record/records.ts'

/** 12:00 in microseconds. */
const NOON = 1_772_366_400_000_000n

interface Step {
  readonly ms: number
  readonly message?: string
}

/** What passes: `m` for a record of the message m, texts of the records in between. */
function passes(limit: RateLimit, steps: readonly Step[], around: Surroundings = {}): string[] {
  const seen: string[] = []
  const note = (record: RecordView) => seen.push(record.text(Field.ErrMessage)!)
  for (const { ms, message = 'm' } of steps) {
    const text = new Date(Number(NOON / 1000n) + ms).toISOString().slice(0, 23).replace('T', ' ')
    const fields: LogFields = {
      LogTime: `${text} UTC`,
      TimeMicros: NOON + BigInt(ms) * 1000n,
      ErrMessage: `${message}: 5`,
      ...(around.protocol === 1 ? {} : { MessageId: message }),
    }
    if (limit.admit(recordOf(fields, around), note)) seen.push(message)
  }
  limit.finish(note)
  return seen
}

const at = (...times: number[]): Step[] => times.map((ms) => ({ ms }))
const leftOut = (count: number, message = 'm') =>
  `pgturret: left out ${count} more ${count === 1 ? 'record' : 'records'} of "${message}" (rate limit 2/1s)`
const limit = () => new RateLimit({ records: 2, perMs: 1000 })

describe('a rate limit', () => {
  test('lets so many pass in each window, and says how many it did not', () => {
    const steps = at(0, 10, 20, 999, 1000, 1001, 2500, 2600, 2700)
    expect(passes(limit(), steps)).toEqual(['m', 'm', leftOut(2), 'm', 'm', 'm', 'm', leftOut(1)])
  })

  test('counts each message by itself', () => {
    const steps = [...at(0, 1, 2), { ms: 3, message: 'other' }, { ms: 1000, message: 'other' }]
    expect(passes(limit(), steps)).toEqual(['m', 'm', 'other', leftOut(1), 'other'])
  })

  test('does not begin anew for a record that comes a little late', () => {
    expect(passes(limit(), at(1000, 1001, 999, 998))).toEqual(['m', 'm', leftOut(2)])
  })

  test('begins anew where time jumps back: another recording', () => {
    expect(passes(limit(), at(60_000, 60_001, 60_002, 0, 1))).toEqual(['m', 'm', leftOut(1), 'm', 'm'])
  })

  test('comes to the same each time', () => {
    const steps = Array.from({ length: 500 }, (_, i) => ({ ms: (i * 37) % 9000, message: `m${i % 7}` }))
    expect(passes(limit(), steps)).toEqual(passes(limit(), steps))
  })

  test('takes the text up to the first digit for the message where there is no format string', () => {
    expect(passes(limit(), at(0, 1, 2, 3), { protocol: 1 })).toEqual(['m', 'm', leftOut(2, 'm: ')])
  })

  test('knows a bounded number of messages apart', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => ({ ms: 0, message: `m${i}` }))
    const seen = passes(limit(), many)
    expect(seen.at(-1)).toBe(leftOut(10_000 - 4096 - 2, 'other messages'))
    expect(seen.length).toBe(4096 + 2 + 1)
  })

  test('its own records come from the same server, with ids of their own that are the same each time', () => {
    const around = { bootId: 5n, sequence: 7n, identity: 'shop' }
    const ids = [1, 2].map(() => {
      const found: string[] = []
      const one = limit()
      const take = (record: RecordView) => {
        expect(record.text(Field.MessageId)).toBe(SUPPRESSED_FORMAT)
        expect(record.severity()).toBe('LOG')
        expect(record.source.identity).toBe('shop')
        expect(record.int64(Field.TimeMicros)).toBe(NOON)
        found.push(uidOf(record))
      }
      const record = recordOf({ MessageId: 'm', TimeMicros: NOON }, around)
      for (let i = 0; i < 4; i++) one.admit(record, take)
      one.finish(take)
      expect(found).not.toContain(uidOf(record))
      return found
    })
    expect(ids[0]).toHaveLength(1)
    expect(ids[0]).toEqual(ids[1]!)
  })
})
