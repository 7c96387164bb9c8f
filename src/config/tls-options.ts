import { createPrivateKey, X509Certificate } from 'node:crypto'
import { z } from 'zod'
import type { Tls } from '../http/client.ts'
import { pemFile } from './pem-file.ts'
import { text } from './values.ts'

/** Who is trusted, and who we are, wherever a connection is encrypted: the same names for every destination. */
export const tlsOptions = {
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

const schema = z.object(tlsOptions)

/** Those options, read. */
export type TlsOptions = z.output<typeof schema>

/** What can be seen to be wrong with them at start, in a sentence. */
export function tlsProblem({ tlsCert, tlsKey, tlsCa, tlsInsecure }: Partial<TlsOptions>): string | undefined {
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

/** What they say; undefined when none of them was given. */
export function tlsOf(given: TlsOptions): Tls | undefined {
  const tls: Tls = {
    ca: given.tlsCa?.reveal(),
    cert: given.tlsCert?.reveal(),
    key: given.tlsKey?.reveal(),
    serverName: given.tlsServerName,
    rejectUnauthorized: given.tlsInsecure ? false : undefined,
  }
  return Object.values(tls).some((value) => value !== undefined) ? tls : undefined
}
