import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import { BlockedError } from '../errors.ts'
import type { Bucket } from './bucket.ts'
import { isStale, nameOf, s3Verdict, statusOf } from './s3-verdict.ts'

/** What objects are stored with. */
export interface S3BucketOptions {
  readonly bucket: string
  readonly client: S3ClientConfig
  readonly storageClass: string | undefined
  readonly encryption: 'AES256' | 'aws:kms' | undefined
  readonly kmsKey: string | undefined
  /** Objects that are larger are stored in parts of this size. */
  readonly partBytes: number
  /** What no message may repeat. */
  readonly secrets: readonly string[]
}

type Sdk = typeof import('@aws-sdk/client-s3')

/** Parts of one object that are on their way at a time. */
const PARTS_AT_ONCE = 4

/** A bucket of S3, or of a store that speaks like it. AWS's client is loaded when it is first used. */
export class S3Bucket implements Bucket {
  readonly #options: S3BucketOptions
  #client: S3Client | undefined
  /** Whether the store honours `If-None-Match`; some answer that they do not know it. */
  #conditional = true

  constructor(options: S3BucketOptions) {
    this.#options = options
  }

  async putNew(
    key: string,
    bytes: Uint8Array,
    type: string,
    signal: AbortSignal,
  ): Promise<'stored' | 'exists'> {
    return this.#ask(async (sdk, client) => {
      if (!this.#conditional && (await this.#exists(sdk, client, key, signal))) return 'exists'
      try {
        if (bytes.length > this.#options.partBytes)
          await this.#putParts(sdk, client, key, bytes, type, signal)
        else {
          const put = { ...this.#target(key, type), ...this.#condition, Body: bytes }
          await client.send(new sdk.PutObjectCommand(put), { abortSignal: signal })
        }
        return 'stored'
      } catch (error) {
        if (statusOf(error) === 412) return 'exists'
        if (!this.#conditional || statusOf(error) !== 501) throw error
        this.#conditional = false
      }
      return this.putNew(key, bytes, type, signal)
    })
  }

  async list(prefix: string, signal: AbortSignal): Promise<string[]> {
    return this.#ask(async (sdk, client) => {
      const keys: string[] = []
      let token: string | undefined
      do {
        const page = await client.send(
          new sdk.ListObjectsV2Command({
            Bucket: this.#options.bucket,
            Prefix: prefix,
            ...(token !== undefined && { ContinuationToken: token }),
          }),
          { abortSignal: signal },
        )
        keys.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''))
        token = page.IsTruncated ? page.NextContinuationToken : undefined
      } while (token !== undefined)
      return keys
    })
  }

  async get(key: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#ask(async (sdk, client) => {
      const command = new sdk.GetObjectCommand({ Bucket: this.#options.bucket, Key: key })
      const { Body } = await client.send(command, { abortSignal: signal })
      return (await Body?.transformToByteArray()) ?? new Uint8Array()
    })
  }

  /** Whether the bucket is there and may be used. */
  async head(signal: AbortSignal): Promise<void> {
    await this.#ask((sdk, client) =>
      client.send(new sdk.HeadBucketCommand({ Bucket: this.#options.bucket }), { abortSignal: signal }),
    )
  }

  close(): void {
    this.#client?.destroy()
    this.#client = undefined
  }

  /** Has something asked; credentials that are no good are looked for anew the next time. */
  async #ask<T>(ask: (sdk: Sdk, client: S3Client) => Promise<T>): Promise<T> {
    const sdk = await import('@aws-sdk/client-s3')
    this.#client ??= new sdk.S3Client(this.#options.client)
    try {
      return await ask(sdk, this.#client)
    } catch (thrown) {
      if (isStale(thrown)) this.close()
      if (nameOf(thrown) === 'NoSuchBucket' || (statusOf(thrown) === 404 && nameOf(thrown) === 'NotFound'))
        throw new BlockedError(`there is no bucket "${this.#options.bucket}"`, { status: 404 })
      throw s3Verdict(thrown, this.#options.secrets)
    }
  }

  get #condition(): { readonly IfNoneMatch?: string } {
    return this.#conditional ? { IfNoneMatch: '*' } : {}
  }

  #target(key: string, type: string) {
    const { bucket, storageClass, encryption, kmsKey } = this.#options
    return {
      Bucket: bucket,
      Key: key,
      ContentType: type,
      ...(storageClass !== undefined && { StorageClass: storageClass as 'STANDARD' }),
      ...(encryption !== undefined && { ServerSideEncryption: encryption }),
      ...(kmsKey !== undefined && { SSEKMSKeyId: kmsKey }),
    }
  }

  async #exists(sdk: Sdk, client: S3Client, key: string, signal: AbortSignal): Promise<boolean> {
    try {
      const command = new sdk.HeadObjectCommand({ Bucket: this.#options.bucket, Key: key })
      await client.send(command, { abortSignal: signal })
      return true
    } catch (error) {
      if (statusOf(error) === 404) return false
      throw error
    }
  }

  /** The object is there when its last part is, and all at once; parts of one that failed are removed. */
  async #putParts(
    sdk: Sdk,
    client: S3Client,
    key: string,
    bytes: Uint8Array,
    type: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { bucket, partBytes } = this.#options
    const options = { abortSignal: signal }
    const begun = await client.send(new sdk.CreateMultipartUploadCommand(this.#target(key, type)), options)
    const upload = { Bucket: bucket, Key: key, UploadId: begun.UploadId }
    const send = async (index: number) => {
      const Body = bytes.subarray(index * partBytes, (index + 1) * partBytes)
      const part = { ...upload, PartNumber: index + 1, Body }
      const { ETag, ChecksumCRC32 } = await client.send(new sdk.UploadPartCommand(part), options)
      return { PartNumber: index + 1, ETag, ...(ChecksumCRC32 !== undefined && { ChecksumCRC32 }) }
    }
    try {
      const count = Math.ceil(bytes.length / partBytes)
      const Parts: Awaited<ReturnType<typeof send>>[] = []
      for (let at = 0; at < count; at += PARTS_AT_ONCE) {
        const indexes = Array.from({ length: Math.min(PARTS_AT_ONCE, count - at) }, (_, i) => at + i)
        Parts.push(...(await Promise.all(indexes.map(send))))
      }
      const whole = { ...upload, ...this.#condition, MultipartUpload: { Parts } }
      await client.send(new sdk.CompleteMultipartUploadCommand(whole as never), options)
    } catch (error) {
      // Best effort: a lifecycle rule removes what stays behind.
      await client.send(new sdk.AbortMultipartUploadCommand(upload)).catch(() => undefined)
      throw error
    }
  }
}
