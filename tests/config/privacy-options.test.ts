import { describe, expect, test } from 'bun:test'
import { readOptions } from '../../src/config/options.ts'
import { privacyOptions, redactionOf, withDefaults } from '../../src/config/privacy-options.ts'

function read(flags: Record<string, unknown>, env: Record<string, string> = {}) {
  const problems: string[] = []
  return { read: readOptions(privacyOptions, { flags, env }, problems), problems }
}

const kindsOf = (flags: Record<string, unknown>, env?: Record<string, string>) => {
  const { literals, statements, parameters } = redactionOf(read(flags, env).read!)
  return [literals, statements, parameters].map(Number).join('')
}

describe('what is to be left out', () => {
  test('kinds are joined, however they are given', () => {
    expect(kindsOf({})).toBe('000')
    expect(kindsOf({ redact: ['literals', 'parameters'] })).toBe('101')
    expect(kindsOf({ redact: ['statements, parameters'] })).toBe('011')
    expect(kindsOf({ redact: ['none'] })).toBe('000')
    expect(kindsOf({}, { PGTURRET_REDACT: 'literals,statements' })).toBe('110')
  })

  test('passwords, unless they are to be kept', () => {
    expect(redactionOf(read({}).read!).passwords).toBe(true)
    expect(redactionOf(read({ keepPasswords: true }).read!).passwords).toBe(false)
  })

  test('a share is a fraction or a percentage', () => {
    for (const [text, share] of [
      ['10%', 0.1],
      ['0.25', 0.25],
      ['.5', 0.5],
      ['100%', 1],
      ['0', 0],
      ['1', 1],
    ] as const)
      expect(read({ sample: text }).read?.sample).toBe(share)
  })

  test('a rate is records in a time', () => {
    const cases = {
      '100/s': [100, 1000],
      '1000/m': [1000, 60_000],
      '20/10s': [20, 10_000],
      '1 / 500ms': [1, 500],
    }
    for (const [text, [records, perMs]] of Object.entries(cases))
      expect(read({ rateLimit: text }).read?.rateLimit).toEqual({ records: records!, perMs: perMs! })
    expect(read({ rateLimit: 'off' }).read?.rateLimit?.records).toBe(Number.POSITIVE_INFINITY)
  })

  test('what cannot be read is said', () => {
    for (const [key, flag, text] of [
      ['redact', '--redact', 'literal'],
      ['redact', '--redact', ''],
      ['sample', '--sample', '110%'],
      ['sample', '--sample', 'some'],
      ['rateLimit', '--rate-limit', '100'],
      ['rateLimit', '--rate-limit', '0/s'],
      ['rateLimit', '--rate-limit', '5/year'],
    ] as const) {
      const { problems } = read({ [key]: key === 'redact' ? [text] : text })
      expect(problems.join()).toStartWith(`${flag}: expected `)
      expect(problems).toHaveLength(1)
    }
  })

  test('a destination has what it says itself, and else what holds for all', () => {
    const all = read({ redact: ['literals'], sample: '10%', keepPasswords: true }).read!
    const own = read({ redact: ['none'], sampleLevel: 'FATAL', keepPasswords: false }).read!
    expect(withDefaults(own, all)).toEqual({ ...own, sample: 0.1 })
    expect(withDefaults({}, all)).toEqual(all)
  })
})
