import { createPrivateKey, X509Certificate } from 'node:crypto'
import { z } from 'zod'
import type { Connection, Tls } from '../http/client.ts'
import { pemFile } from './pem-file.ts'
import { Secret } from './secret.ts'
import { duration, type OptionMeta, text } from './values.ts'

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
  tlsCa: pemFile('CERTIFICATE').optional().meta({
    description: 'CA certificates (PEM) to trust in place of the well-known ones',
    example: '/etc/pgturret/ca.pem',
  }),
  tlsCert: pemFile('CERTIFICATE').optional().meta({
    description: 'certificate (PEM) to show to the server',
    example: '/etc/pgturret/client.pem',
  }),
  tlsKey: pemFile('PRIVATE KEY').optional().meta({
    description: "the certificate's private key (PEM)",
    example: '/etc/pgturret/client.key',
  }),
  tlsServerName: text('NAME').optional().meta({
    description: "name that the server's certificate has to be for (default: the URL's host)",
    example: 'logs.example',
  }),
  tlsInsecure: z.boolean().prefault(false).meta({
    description: 'take any certificate for the server: whoever is on the way can read along',
  }),
} as const

const schema = z.object(httpOptions)

/** Those options, read. */
export type HttpOptions = z.output<typeof schema>

/** What can be seen to be wrong with them at start, in a sentence. */
export function httpProblem({
  tlsCert,
  tlsKey,
  tlsCa,
  tlsInsecure,
}: Partial<HttpOptions>): string | undefined {
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    return 'a certificate and its key go together: give tls_cert and tls_key'
  if (tlsInsecure === true && tlsCa !== undefined)
    return 'tls_insecure takes any certificate, tls_ca only some: give one of them'
  try {
    if (tlsCa !== undefined) new X509Certificate(tlsCa.reveal())
    if (tlsCert === undefined || tlsKey === undefined) return undefined
    const certificate = new X509Certificate(tlsCert.reveal())
    const fits = certificate.checkPrivateKey(createPrivateKey(tlsKey.reveal()))
    return fits ? undefined : 'the key of tls_key is not the one of the certificate of tls_cert'
  } catch (error) {
    // OpenSSL names what it could not read, never what it read.
    return `a file of tls_ca, tls_cert or tls_key cannot be read as PEM: ${(error as Error).message}`
  }
}

/** How they say that a server is reached. */
export function connectionOf(given: HttpOptions): Connection {
  const tls: Tls = {
    ca: given.tlsCa?.reveal(),
    cert: given.tlsCert?.reveal(),
    key: given.tlsKey?.reveal(),
    serverName: given.tlsServerName,
    rejectUnauthorized: given.tlsInsecure ? false : undefined,
  }
  const some = Object.values(tls).some((value) => value !== undefined)
  return { timeoutMs: given.timeout, proxy: given.proxy?.reveal(), tls: some ? tls : undefined }
}

/** A header's value may be anything but control characters: a line end in a secret's file is met at start, not at the first request. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]+$/

/** Whether a text can be the value of a header. */
export const fitsHeader = (value: string): boolean => HEADER_VALUE.test(value)
