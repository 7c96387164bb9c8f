/** What a store of objects can do; implemented for S3 in `s3-bucket.ts`. Everything throws the errors of errors.ts. */
export interface Bucket {
  /** Stores an object unless there is one of that key. */
  putNew(key: string, bytes: Uint8Array, type: string, signal: AbortSignal): Promise<'stored' | 'exists'>
  /** Keys that begin so, in their order. */
  list(prefix: string, signal: AbortSignal): Promise<string[]>
  get(key: string, signal: AbortSignal): Promise<Uint8Array>
}
