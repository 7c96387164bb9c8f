import { createHash, createHmac } from 'node:crypto'
import { BlockedError, RetryableError } from '../errors.ts'

/** Signs requests for Amazon's services (Signature Version 4), with the credentials that its own programs would find. */
export interface AwsSigner {
  /** Headers to send with a request: what proves who sends it, besides those that were given. */
  sign(request: AwsRequest): Promise<Readonly<Record<string, string>>>
  /** What no message may show; known once something was signed. */
  readonly secrets: readonly string[]
}

/** What is signed: nothing of it may be changed afterwards. */
export interface AwsRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Where a request is meant to go. */
export interface AwsScope {
  readonly region: string
  /** `es`, `aoss`. */
  readonly service: string
  /** A hash of the body as a header of its own, which only some services want. */
  readonly hashHeader?: boolean
}

/** Access key, secret key, and a token where they are for a while only. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

type Hashed = string | ArrayBuffer | ArrayBufferView

const bytesOf = (data: Hashed): string | Uint8Array =>
  typeof data === 'string'
    ? data
    : ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data)

/** The hash that the signer is given, by the runtime's own. */
class Sha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>

  constructor(secret?: Hashed) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }

  update(data: Hashed): void {
    this.#hash.update(bytesOf(data))
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#hash.digest()))
  }

  reset(): void {
    throw new Error('a hash is used once')
  }
}

/**
 * Makes a signer; Amazon's own code is loaded now, as only those who need it pay for it.
 *
 * @param credentials by default those of the environment, of the shared files, of the container or of the machine
 * @param now for tests
 */
export async function awsSigner(
  { region, service, hashHeader = false }: AwsScope,
  credentials?: () => Promise<AwsCredentials>,
  now = () => new Date(),
): Promise<AwsSigner> {
  const { SignatureV4 } = await import('@smithy/signature-v4')
  const find = credentials ?? (await import('@aws-sdk/credential-provider-node')).defaultProvider()
  let secrets: readonly string[] = []
  return {
    get secrets() {
      return secrets
    },
    async sign({ method, url, headers, body }) {
      const known = await found(find)
      secrets = [known.secretAccessKey, known.sessionToken ?? '']
      const signer = new SignatureV4({
        region,
        service,
        credentials: known,
        sha256: Sha256,
        applyChecksum: hashHeader,
      })
      const { hostname, host, pathname, protocol, port, searchParams } = new URL(url)
      const signed = await signer.sign(
        {
          method,
          protocol,
          hostname,
          ...(port !== '' && { port: Number(port) }),
          path: pathname,
          query: Object.fromEntries(searchParams),
          headers: { ...headers, host },
          body,
        },
        { signingDate: now() },
      )
      // The runtime writes this one by itself.
      const { host: _, ...rest } = signed.headers
      return rest
    },
  }
}

/** None at all is for a person to mend; a service that gives them out may come back. */
async function found(find: () => Promise<AwsCredentials>): Promise<AwsCredentials> {
  try {
    return await find()
  } catch (error) {
    const said = `could not find AWS credentials: ${(error as Error).message}`
    throw (error as Error).name === 'CredentialsProviderError'
      ? new BlockedError(said, { cause: error })
      : new RetryableError(said, { cause: error })
  }
}
