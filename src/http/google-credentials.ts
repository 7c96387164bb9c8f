import { createPrivateKey } from 'node:crypto'

/** How a program shows to Google who it is: what `GOOGLE_APPLICATION_CREDENTIALS` may point to, or the machine itself. */
export type GoogleCredentials =
  | {
      readonly type: 'service_account'
      readonly email: string
      readonly key: string
      readonly keyId: string | undefined
      readonly tokenUrl: string
    }
  | {
      readonly type: 'authorized_user'
      readonly clientId: string
      readonly clientSecret: string
      readonly refreshToken: string
      readonly tokenUrl: string
    }
  | ({ readonly type: 'external_account' } & Federation)
  /** The metadata server of a machine, pod or service of Google's. */
  | { readonly type: 'metadata'; readonly host: string }

/** Workload identity federation: a token of another issuer is exchanged for one of Google's. */
export interface Federation {
  readonly audience: string
  readonly tokenType: string
  readonly tokenUrl: string
  /** Of the service account to act as; without it the federated identity itself acts. */
  readonly impersonationUrl: string | undefined
  /** A file, or a URL of this machine, that the other issuer's token is read from each time. */
  readonly file: string | undefined
  readonly url: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** Where the token is inside JSON; undefined where it is all there is. */
  readonly field: string | undefined
}

const TOKEN_URL = 'https://oauth2.googleapis.com/token'

/**
 * Reads a file of credentials.
 *
 * @throws a sentence that says what is wrong, and shows nothing of what is secret
 */
export function parseGoogleCredentials(text: string): GoogleCredentials {
  const given = objectOf(text)
  const type = given['type']
  switch (type) {
    case 'service_account': {
      const key = textOf(given, 'private_key')
      assertKey(key)
      return {
        type,
        key,
        email: textOf(given, 'client_email'),
        keyId: optional(given, 'private_key_id'),
        tokenUrl: optional(given, 'token_uri') ?? TOKEN_URL,
      }
    }
    case 'authorized_user':
      return {
        type,
        clientId: textOf(given, 'client_id'),
        clientSecret: textOf(given, 'client_secret'),
        refreshToken: textOf(given, 'refresh_token'),
        tokenUrl: optional(given, 'token_uri') ?? TOKEN_URL,
      }
    case 'external_account':
      return { type, ...federationOf(given) }
    default:
      throw new Error(
        'the credentials are of no type that is known: expected service_account, authorized_user or external_account',
      )
  }
}

function federationOf(given: Record<string, unknown>): Federation {
  const source = given['credential_source']
  const from = typeof source === 'object' && source !== null ? (source as Record<string, unknown>) : {}
  const [file, url] = [optional(from, 'file'), optional(from, 'url')]
  if (from['environment_id'] !== undefined || (file === undefined) === (url === undefined))
    throw new Error(
      'the credentials take their token from AWS or from a program; only a file or a URL is read here',
    )
  const format = (from['format'] ?? {}) as Record<string, unknown>
  return {
    file,
    url,
    headers: (from['headers'] ?? {}) as Record<string, string>,
    field: format['type'] === 'json' ? textOf(format, 'subject_token_field_name') : undefined,
    audience: textOf(given, 'audience'),
    tokenType: textOf(given, 'subject_token_type'),
    tokenUrl: textOf(given, 'token_url'),
    impersonationUrl: optional(given, 'service_account_impersonation_url'),
  }
}

/** What the parser says of a text that is no JSON may repeat some of it. */
function objectOf(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {}
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  throw new Error(
    "the credentials are no JSON object: give the file of a key as file:/path, not the key's id",
  )
}

function optional(given: Record<string, unknown>, name: string): string | undefined {
  const value = given[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function textOf(given: Record<string, unknown>, name: string): string {
  const value = optional(given, name)
  if (value === undefined) throw new Error(`the credentials have no "${name}"`)
  return value
}

function assertKey(pem: string): void {
  try {
    createPrivateKey(pem)
  } catch {
    throw new Error('the private_key of the credentials cannot be read as PEM')
  }
}
