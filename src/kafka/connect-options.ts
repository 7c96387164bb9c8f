import { z } from 'zod'
import { Secret } from '../config/secret.ts'
import { tlsOf, tlsOptions, tlsProblem } from '../config/tls-options.ts'
import { choice, duration, secret, text } from '../config/values.ts'
import type { KafkaUrl } from './address.ts'

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const

/** How brokers are reached: the options that sending and reading share. */
export const connectOptions = z.object({
  brokers: z.array(z.string()).meta({ fromUrl: true }),
  credentials: z.instanceof(Secret).optional().meta({ fromUrl: true }),
  urlUser: z.string().optional().meta({ fromUrl: true }),
  urlTls: z.boolean().meta({ fromUrl: true }),
  user: text('NAME').optional().meta({
    description: 'user for SASL (default: the one in the URL)',
    example: 'pgturret',
  }),
  password: secret()
    .optional()
    .meta({ description: 'password for SASL: env:NAME, file:/path, or the password itself' }),
  sasl: choice(MECHANISMS)
    .prefault('scram-sha-512')
    .meta({ description: 'how the user is proven, where there is one' }),
  tls: z
    .boolean()
    .prefault(false)
    .meta({ description: 'encrypt the connection; a URL that begins with kafkas: says the same' }),
  ...tlsOptions,
  timeout: duration()
    .prefault('30s')
    .meta({ description: 'how long one request may take, and what is tried again meanwhile' }),
})

/** How brokers are reached, read. */
export type ConnectOptions = z.output<typeof connectOptions>

/** What a URL says about how brokers are reached. */
export function connectOptionsOf(url: KafkaUrl): Record<string, unknown> {
  return {
    brokers: url.brokers,
    urlTls: url.tls,
    ...(url.user === undefined ? {} : { urlUser: url.user }),
    ...(url.password === undefined ? {} : { credentials: new Secret(url.password) }),
  }
}

/** What can be seen to be wrong before anything starts. */
export function connectProblem(given: ConnectOptions): string | undefined {
  const user = given.user ?? given.urlUser
  const password = given.password ?? given.credentials
  if (user !== undefined && password === undefined)
    return `there is a user and no password: give --kafka-password env:NAME`
  if (user === undefined && password !== undefined) return 'there is a password and no user'
  return tlsProblem(given)
}

/** What the library takes for a connection. */
export interface TransportOptions {
  readonly connectTimeout: number
  readonly requestTimeout: number
  readonly tls?: { ca?: string; cert?: string; key?: string; rejectUnauthorized: boolean }
  readonly tlsServerName?: string
  readonly sasl?: {
    mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
    username: string
    password: string
  }
}

const LONGEST_CONNECT_MS = 10_000

/** Makes the library's options. */
export function transportOptions(given: ConnectOptions): TransportOptions {
  const user = given.user ?? given.urlUser
  const password = given.password ?? given.credentials
  return {
    connectTimeout: Math.min(given.timeout, LONGEST_CONNECT_MS),
    requestTimeout: given.timeout,
    ...encryption(given),
    ...(user !== undefined && password !== undefined
      ? {
          sasl: {
            mechanism: given.sasl.toUpperCase() as 'PLAIN',
            username: user,
            password: password.reveal(),
          },
        }
      : {}),
  }
}

/** Whatever says how to encrypt says that it is to be done. */
function encryption(given: ConnectOptions): Pick<TransportOptions, 'tls' | 'tlsServerName'> {
  const asked = tlsOf(given)
  if (asked === undefined && !given.tls && !given.urlTls) return {}
  const { ca, cert, key, serverName, rejectUnauthorized = true } = asked ?? {}
  return {
    tls: {
      rejectUnauthorized,
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    },
    ...(serverName !== undefined && { tlsServerName: serverName }),
  }
}
