import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { Secret } from '../config/secret.ts'
import { choice, duration, secret, text } from '../config/values.ts'
import { type KafkaUrl, parseKafkaUrl } from './address.ts'

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
  ca: text('FILE').optional().meta({
    description: "certificates that are trusted in place of the system's, as PEM",
    example: '/etc/pgturret/kafka-ca.pem',
  }),
  cert: text('FILE').optional().meta({
    description: "the client's certificate, as PEM",
    example: '/etc/pgturret/kafka-client.pem',
  }),
  key: text('FILE').optional().meta({
    description: "the client's private key, as PEM",
    example: '/etc/pgturret/kafka-client.key',
  }),
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

/** Options of a URL's text. */
export const optionsOfText = (given: string): Record<string, unknown> =>
  connectOptionsOf(parseKafkaUrl(given))

/** What can be seen to be wrong before anything starts. */
export function connectProblem(given: ConnectOptions): string | undefined {
  const user = given.user ?? given.urlUser
  const password = given.password ?? given.credentials
  if (user !== undefined && password === undefined)
    return `there is a user and no password: give --kafka-password env:NAME`
  if (user === undefined && password !== undefined) return 'there is a password and no user'
  if ((given.cert === undefined) !== (given.key === undefined))
    return 'a client certificate needs its key, and the other way round'
  for (const file of [given.ca, given.cert, given.key]) {
    try {
      if (file !== undefined) readFileSync(file)
    } catch (error) {
      return `cannot read "${file}": ${(error as Error).message}`
    }
  }
  return undefined
}

/** What the library takes for a connection. */
export interface TransportOptions {
  readonly connectTimeout: number
  readonly requestTimeout: number
  readonly tls?: { ca?: Buffer; cert?: Buffer; key?: Buffer; rejectUnauthorized: true }
  readonly sasl?: {
    mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
    username: string
    password: string
  }
}

const LONGEST_CONNECT_MS = 10_000

/** Makes the library's options; reads the files. */
export function transportOptions(given: ConnectOptions): TransportOptions {
  const user = given.user ?? given.urlUser
  const password = given.password ?? given.credentials
  const tls = given.tls || given.urlTls || given.ca !== undefined || given.cert !== undefined
  return {
    connectTimeout: Math.min(given.timeout, LONGEST_CONNECT_MS),
    requestTimeout: given.timeout,
    ...(tls ? { tls: { rejectUnauthorized: true, ...filesOf(given) } } : {}),
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

function filesOf({ ca, cert, key }: ConnectOptions): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  return {
    ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
    ...(cert === undefined ? {} : { cert: readFileSync(cert) }),
    ...(key === undefined ? {} : { key: readFileSync(key) }),
  }
}
