import { describe, expect, test } from 'bun:test'
import { didYouMean } from '../src/nearest.ts'

const KNOWN = ['to', 'keep', 'keel', 'level', 'socket', 'socket_mode', 'token', 'timeout']

describe('a mistyped word is met with what was meant', () => {
  test.each([
    ['levle', '; did you mean level?'],
    ['socketmode', '; did you mean socket_mode?'],
    ['socket-mode', '; did you mean socket_mode?'],
    ['Level', '; did you mean level?'],
    ['toke', '; did you mean token?'],
    ['tocket', '; did you mean socket?'],
    ['lokent', '; did you mean token?'],
    ['keex', '; did you mean keep or keel?'],
    ['tp', '; did you mean to?'],
  ])('%p', (typed, question) => {
    expect(didYouMean(typed, KNOWN)).toBe(question)
  })

  test.each([['x'], ['everything'], [''], ['l'.repeat(100_000)]])('%.20p is nothing of that', (typed) => {
    expect(didYouMean(typed, KNOWN)).toBe('')
  })
})
