import { z } from 'zod'
import { compileCel } from '../filter/cel/filter.ts'
import { compilePattern } from '../filter/pattern.ts'
import { parseStates } from '../filter/sqlstate.ts'
import { MOMENT_EXPECTED, parseMoment } from './moment.ts'
import type { OptionMeta } from './values.ts'

/** Kinds of value by which records are chosen. All but a moment stay texts, judged here and compiled where they serve. */

/** A text that `judge` throws over when it cannot be read. */
const judged = (meta: OptionMeta, judge: (text: string) => unknown) =>
  z
    .string()
    .superRefine((text, context) => {
      try {
        judge(text)
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message })
      }
    })
    .meta({ ...meta })

/** A filter expression. */
export const expression = () =>
  judged(
    {
      expected: 'a filter expression such as level >= ERROR',
      value: 'EXPR',
      example: 'level >= WARNING || duration_ms > 250',
      json: { minLength: 1 },
    },
    (text) => compileCel(text),
  )

/** A regular expression. */
export const regex = () =>
  judged(
    { expected: 'a regular expression', value: 'REGEX', example: 'deadlock|timeout', json: { minLength: 1 } },
    (text) => {
      if (text === '') throw new Error('expected a regular expression that is not empty')
      compilePattern(text)
    },
  )

/** A code, a class or a condition name. */
export const sqlstate = () =>
  judged(
    { expected: 'a code, a class or a condition', value: 'STATE', example: 'unique_violation' },
    parseStates,
  )

/** A moment, as microseconds since 1970. */
export const moment = () =>
  z
    .string()
    .transform((text, context): number => {
      const micros = parseMoment(text, Date.now())
      if (micros !== undefined) return micros
      context.addIssue({
        code: 'custom',
        message: `expected ${MOMENT_EXPECTED}, got ${JSON.stringify(text)}`,
      })
      return z.NEVER
    })
    .meta({ expected: MOMENT_EXPECTED, value: 'WHEN', example: 'yesterday' } satisfies OptionMeta)
