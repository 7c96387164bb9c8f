import type { TokenCredential } from '@azure/identity'
import { BlockedError, type DeliveryError, RetryableError } from '../errors.ts'
import type { Connection } from '../http/client.ts'
import { untilAborted } from '../http/until-aborted.ts'
import { IdentityNetwork } from './identity-network.ts'

/** Who asks for tokens, and whom. What is left out comes from the environment, or is the machine's managed identity. */
export interface Identity {
  readonly tenantId?: string | undefined
  readonly clientId?: string | undefined
  readonly clientSecret?: string | undefined
  /** PEM with a certificate and its key. */
  readonly clientCertificate?: string | undefined
  /** Origin of Entra ID: `https://login.microsoftonline.com`. */
  readonly authority: string
  /** `https://monitor.azure.com/.default`. */
  readonly scope: string
  readonly connection: Connection
}

/**
 * A token that has less than this left is replaced ahead of time, and used until there is another. The library itself gives
 * the one that it keeps until five minutes before its end.
 */
const AHEAD_MS = 4 * 60_000

interface Token {
  readonly token: string
  readonly expiresOnTimestamp: number
  readonly refreshAfterTimestamp?: number | undefined
}

/** Tokens of Entra ID, by Microsoft's identity library, which is loaded when the first one is needed. */
export class TokenSource {
  readonly #identity: Identity
  readonly #network: IdentityNetwork
  readonly #now: () => number
  #credential: TokenCredential | undefined
  #token: Token | undefined
  #fetching: Promise<Token> | undefined

  /** @param now milliseconds since 1970 */
  constructor(identity: Identity, now: () => number = Date.now) {
    this.#identity = identity
    this.#network = new IdentityNetwork(identity.connection, identity.clientSecret)
    this.#now = now
  }

  /**
   * A token that is valid now.
   *
   * @param refused one that was given before, and is of no use
   * @throws RetryableError or BlockedError, without anything that is secret
   */
  async token(signal: AbortSignal, refused?: string): Promise<string> {
    if (refused !== undefined && this.#token?.token === refused) {
      // The library keeps tokens as well, where they cannot be taken away.
      this.#credential = undefined
      this.#token = undefined
    }
    const known = this.#token
    const now = this.#now()
    if (known === undefined || known.expiresOnTimestamp <= now) {
      return (await untilAborted(this.#fetchOnce(), signal)).token
    }
    const { expiresOnTimestamp, refreshAfterTimestamp = expiresOnTimestamp - AHEAD_MS } = known
    // What becomes of it is met when the old one has expired.
    if (refreshAfterTimestamp <= now) this.#fetchOnce().catch(() => undefined)
    return known.token
  }

  #fetchOnce(): Promise<Token> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetch(): Promise<Token> {
    this.#network.begin()
    try {
      this.#credential ??= await credentialOf(this.#identity, this.#network)
      const token = await this.#credential.getToken(this.#identity.scope)
      if (token === null) throw new Error('there was none')
      this.#token = token
      return token
    } catch (error) {
      // It would ask nobody for a minute, and say nothing of why: whoever delivers waits by itself.
      this.#credential = undefined
      throw this.#verdict(error)
    }
  }

  #verdict(error: unknown): DeliveryError {
    const { failure, status } = this.#network
    if (failure instanceof BlockedError) return new BlockedError(`there is no token: ${failure.message}`)
    if (failure !== undefined) return new RetryableError(`there is no token: ${failure.message}`)
    const [line] = error instanceof Error ? error.message.split(/[\r\n]/) : ['']
    const said = this.#network.concealed(`there is no token: ${line}`)
    if (status === 408 || status === 429 || status >= 500) return new RetryableError(said)
    return new BlockedError(said)
  }
}

/** The library's credential for an identity. */
async function credentialOf(identity: Identity, httpClient: IdentityNetwork): Promise<TokenCredential> {
  const library = await import('@azure/identity')
  const { tenantId, clientId, clientSecret, clientCertificate, authority } = identity
  const options = {
    authorityHost: authority,
    httpClient,
    // One request less, and the only one that would go elsewhere than to this authority.
    disableInstanceDiscovery: true,
    // Whoever delivers tries again by itself.
    retryOptions: { maxRetries: 0 },
  }
  if (clientSecret !== undefined)
    return new library.ClientSecretCredential(tenantId!, clientId!, clientSecret, options)
  if (clientCertificate !== undefined) {
    const certificate = { certificate: clientCertificate }
    return new library.ClientCertificateCredential(tenantId!, clientId!, certificate, options)
  }
  const { env } = process
  if (env['AZURE_CLIENT_SECRET'] || env['AZURE_CLIENT_CERTIFICATE_PATH'])
    return new library.EnvironmentCredential(options)
  const ids = { ...(tenantId !== undefined && { tenantId }), ...(clientId !== undefined && { clientId }) }
  if (env['AZURE_FEDERATED_TOKEN_FILE']) return new library.WorkloadIdentityCredential({ ...options, ...ids })
  return new library.ManagedIdentityCredential({ ...options, ...(clientId !== undefined && { clientId }) })
}
