import { z } from 'zod'
import { didYouMean } from '../nearest.ts'
import { LogLinePrefix } from '../render/log-line-prefix.ts'
import { parseTemplate, type TemplateError } from '../render/parse-template.ts'
import { KEY_NAMES } from '../render/record-keys.ts'
import { VERBOSITIES } from '../render/server-log.ts'
import { TIMES } from '../render/wall-clock.ts'
import { choice } from './values.ts'

/** How records look beyond their format: what every command takes that writes records, and every exporter that leaves it open. */

/** A text that `read` throws a sentence about when it cannot be understood. */
function checked<T>(value: string, example: string, read: (text: string) => T) {
  return z
    .string()
    .transform((text, context): T => {
      try {
        return read(text)
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message })
        return z.NEVER
      }
    })
    .meta({ value, example, expected: 'a text' })
}

function readTemplate(text: string): string {
  if (text === '') throw new Error('expected a text such as "{timestamp} {message}"')
  try {
    parseTemplate(text)
    return text
  } catch (error) {
    const { message, key } = error as TemplateError
    throw new Error(key === undefined ? message : `${message}${didYouMean(key, KEY_NAMES)}`)
  }
}

function readPrefix(text: string): string {
  new LogLinePrefix(text)
  return text
}

function readFields(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim())
  const problems = names.flatMap((name, index) => {
    if (name === '') return ['expected keys with commas between, such as timestamp,error_severity,message']
    if (!KEY_NAMES.includes(name)) return [`there is no key "${name}"${didYouMean(name, KEY_NAMES)}`]
    return names.indexOf(name) < index ? [`"${name}" is there twice`] : []
  })
  if (problems.length > 0) throw new Error([...new Set(problems)].join('; '))
  return names
}

/** Each may be left out: what then holds is in `src/render/make-encoder.ts`. */
export const renderingOptions = z.object({
  template: checked('TEXT', '{timestamp} {error_severity} {message}', readTemplate)
    .optional()
    .meta({ description: 'a format of one’s own, such as "{timestamp} {error_severity} {message}"' }),
  fields: checked('KEYS', 'timestamp,error_severity,message', readFields).optional().meta({
    description: 'only these keys, in this order, with commas between (json, logfmt, csvlog)',
  }),
  time: choice(TIMES).optional().meta({
    description:
      'whose clock the pretty format shows; relative is the time since the record before (default: server)',
    example: 'utc',
  }),
  logLinePrefix: checked('PREFIX', '%m [%p] ', readPrefix).optional().meta({
    description:
      'in front of every line of the stderr format, as PostgreSQL’s setting of that name (default: "%m [%p] ")',
  }),
  logErrorVerbosity: choice(VERBOSITIES).optional().meta({
    description:
      'how much stderr, jsonlog and csvlog show, as PostgreSQL’s setting of that name; verbose adds the place in its source (default: default)',
    example: 'verbose',
  }),
})

/** How records look, read. */
export type RenderingOptions = z.output<typeof renderingOptions>
