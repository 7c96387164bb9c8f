import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { BlockedError } from '../errors.ts'
import { untilAborted } from '../http/until-aborted.ts'

/** A key to AWS, as the signer takes it. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** Where credentials come from: given, or wherever AWS's SDK finds them. */
export interface CredentialSource {
  readonly given?: Credentials | undefined
  /** A section of AWS's configuration files. */
  readonly profile?: string | undefined
}

/** A request before it is signed. */
export interface Unsigned {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** `POST` by default. */
  readonly method?: string
}

/** Which service's requests are signed, and how. */
export interface AwsScope {
  readonly region: string
  /** Its name in signatures: `logs`, `es`. */
  readonly service: string
  /** A hash of the body as a header of its own, which not every service expects; true by default. */
  readonly hashHeader?: boolean
  /** Time of the signatures; now by default. */
  readonly now?: () => Date
}

type Provider = (options?: { forceRefresh?: boolean }) => Promise<Credentials>

/** AWS's Signature Version 4 over requests of one service. What it needs of AWS's SDK is loaded when it first signs. */
export class AwsSigner {
  readonly #source: CredentialSource
  readonly #scope: AwsScope
  #provider: Provider | undefined

  constructor(source: CredentialSource, scope: AwsScope) {
    this.#source = source
    this.#scope = scope
  }

  /**
   * Credentials that are valid now; the SDK keeps them, and fetches others before they expire.
   *
   * @param fresh whether those that it keeps have been refused
   * @throws BlockedError when there are none
   */
  async credentials(signal: AbortSignal, fresh = false): Promise<Credentials> {
    const provider = await this.#providerOnce()
    try {
      return await untilAborted(provider({ forceRefresh: fresh }), signal)
    } catch (error) {
      if (signal.aborted) throw error
      // Without its cause, which may hold what a credential process has printed.
      throw new BlockedError(`there are no AWS credentials: ${(error as Error).message}`)
    }
  }

  /** The headers of a request with its signature among them. */
  async sign(
    { url, headers, body, method = 'POST' }: Unsigned,
    credentials: Credentials,
  ): Promise<Record<string, string>> {
    const { region, service, hashHeader = true, now } = this.#scope
    const { SignatureV4 } = await import('@smithy/signature-v4')
    const signer = new SignatureV4({
      credentials: withoutUndefined(credentials),
      region,
      service,
      sha256: Sha256,
      applyChecksum: hashHeader,
    })
    const request = {
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...headers, host: url.host },
      body,
    }
    const signed = await signer.sign(request, now === undefined ? {} : { signingDate: now() })
    const { host: _, ...others } = signed.headers
    return others
  }

  async #providerOnce(): Promise<Provider> {
    if (this.#provider !== undefined) return this.#provider
    const { given, profile } = this.#source
    if (given !== undefined) this.#provider = async () => given
    else {
      const { defaultProvider } = await import('@aws-sdk/credential-provider-node')
      this.#provider = defaultProvider(profile === undefined ? {} : { profile })
    }
    return this.#provider
  }
}

/** The runtime's own, in the shape that the signer wants. */
class Sha256 {
  readonly #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    throw new Error('a hash is used once')
  }
}

const bytesOf = (data: string | ArrayBuffer | ArrayBufferView): Uint8Array => {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
}

const withoutUndefined = ({ accessKeyId, secretAccessKey, sessionToken }: Credentials) => ({
  accessKeyId,
  secretAccessKey,
  ...(sessionToken !== undefined && { sessionToken }),
})
