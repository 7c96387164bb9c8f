import { z } from 'zod'
import type { Connection } from '../http/client.ts'
import { Secret } from './secret.ts'
import { tlsOf, tlsOptions, tlsProblem } from './tls-options.ts'
import { duration, type OptionMeta } from './values.ts'

/** URL of a proxy; it may hold a password. */
const proxyUrl = () =>
  z
    .string()
    .transform((given, context): Secret => {
      if (URL.canParse(given) && /^https?:$/.test(new URL(given).protocol)) return new Secret(given)
      context.addIssue({
        code: 'custom',
        message: 'expected the URL of a proxy such as http://proxy.example:3128',
      })
      return z.NEVER
    })
    .meta({
      expected: 'the URL of a proxy such as http://proxy.example:3128',
      value: 'URL',
      secret: true,
      redact: (given) => given.replace(/^([a-z]+:\/\/)?.*@/is, '$1[redacted]@'),
      example: 'http://proxy.example:3128',
      json: { pattern: '^https?://' },
    } satisfies OptionMeta)

/**
 * What every destination that speaks HTTP takes beside its own options:
 *
 *     const options = z.object({ url: …, ...httpOptions })
 *     problem: httpProblem
 *     new HttpClient({ url, headers, connection: connectionOf(given), secrets: [...] })
 */
export const httpOptions = {
  timeout: duration().prefault('10s').meta({ description: 'how long one request may take' }),
  proxy: proxyUrl().optional().meta({
    description:
      'proxy to go through (default: HTTP_PROXY, HTTPS_PROXY; NO_PROXY lists who is reached without)',
  }),
  ...tlsOptions,
} as const

const schema = z.object(httpOptions)

/** Those options, read. */
export type HttpOptions = z.output<typeof schema>

/** What can be seen to be wrong with them at start, in a sentence. */
export const httpProblem: (given: Partial<HttpOptions>) => string | undefined = tlsProblem

/** How they say that a server is reached. */
export const connectionOf = (given: HttpOptions): Connection => ({
  timeoutMs: given.timeout,
  proxy: given.proxy?.reveal(),
  tls: tlsOf(given),
})

/** A header's value may be anything but control characters: a line end in a secret's file is met at start, not at the first request. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]+$/

/** Whether a text can be the value of a header. */
export const fitsHeader = (value: string): boolean => HEADER_VALUE.test(value)
