import { describe, expect, test } from 'bun:test'
import { SEVERITIES } from '../../src/codec/severity.ts'
import { inSample } from '../../src/filter/sample.ts'
import { recordOf } from '../record/records.ts'

const ERROR = SEVERITIES.indexOf('ERROR')
const session = (number: number) => `69a43c00.${number.toString(16)}`
const logOf = (SessionId: string, ELevel = 15) => recordOf({ SessionId, ELevel })

describe('a sample', () => {
  test('costs nothing where everything is wanted', () => {
    expect(inSample(undefined)).toBeUndefined()
    expect(inSample({ share: 1, always: ERROR })).toBeUndefined()
  })

  test('keeps its share of the sessions, also of those that differ in the last digit', () => {
    for (const share of [0.01, 0.1, 0.5, 0.9]) {
      const wanted = inSample({ share, always: ERROR })!
      const kept = Array.from({ length: 20_000 }, (_, i) => wanted(logOf(session(i)))).filter(Boolean).length
      expect(kept / 20_000).toBeGreaterThan(share * 0.85)
      expect(kept / 20_000).toBeLessThan(share * 1.15)
    }
  })

  test('has a session with all of its records, in every process', () => {
    const [one, other] = [inSample({ share: 0.5, always: ERROR })!, inSample({ share: 0.5, always: ERROR })!]
    const ids = Array.from({ length: 200 }, (_, i) => session(i))
    expect(ids.map((id) => one(logOf(id)))).toEqual(ids.map((id) => other(logOf(id, 19))))
    // For ever: other processes decide the same.
    expect(
      ids
        .slice(0, 12)
        .map((id) => Number(one(logOf(id))))
        .join(''),
    ).toMatchInlineSnapshot(`"110111110000"`)
  })

  test('a larger one holds the smaller one', () => {
    const [small, large] = [
      inSample({ share: 0.2, always: ERROR })!,
      inSample({ share: 0.4, always: ERROR })!,
    ]
    for (let i = 0; i < 500; i++) if (small(logOf(session(i)))) expect(large(logOf(session(i)))).toBe(true)
  })

  test('keeps what is severe, and that alone with a share of nothing', () => {
    const wanted = inSample({ share: 0, always: ERROR })!
    expect([15, 19, 21, 22, 23].map((level) => wanted(logOf(session(1), level)))).toEqual([
      false,
      false,
      true,
      true,
      true,
    ])
  })
})
