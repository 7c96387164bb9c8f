import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { Secret } from './secret.ts'
import type { OptionMeta } from './values.ts'

/**
 * A file of PEM; read once, at start, and again at a reload, which takes a renewed certificate for a change.
 *
 * @param kind what it has to hold: `CERTIFICATE`, `PRIVATE KEY`
 */
export const pemFile = (kind: 'CERTIFICATE' | 'PRIVATE KEY') =>
  z
    .string()
    .transform((path, context): Secret => {
      try {
        const text = readFileSync(path, 'utf8')
        // RSA PRIVATE KEY and EC PRIVATE KEY are private keys as well.
        if (new RegExp(`-----BEGIN (?:[A-Z]+ )?${kind}-----`).test(text)) return new Secret(text)
        context.addIssue({ code: 'custom', message: `the file "${path}" holds no ${kind} in PEM` })
      } catch (error) {
        context.addIssue({
          code: 'custom',
          message: `could not read the file "${path}": ${(error as Error).message}`,
        })
      }
      return z.NEVER
    })
    .meta({
      expected: 'the path of a file',
      value: 'FILE',
      example: '/etc/pgturret/ca.pem',
      json: { minLength: 1 },
    } satisfies OptionMeta)
