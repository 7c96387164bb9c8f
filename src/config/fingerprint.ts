import { Secret } from './secret.ts'

/**
 * A text that is the same exactly when the values are: how a reload knows what has changed. Secrets count by their values,
 * but cannot be read from it.
 *
 * @param value texts, numbers, switches, secrets, and lists and objects of such; the order of keys does not matter
 */
export const fingerprint = (value: unknown): string =>
  new Bun.CryptoHasher('sha256').update(canonical(value)).digest('hex')

/** Different for different values: every kind begins in its own way, and texts are quoted. */
function canonical(value: unknown): string {
  if (value instanceof Secret) return `secret ${JSON.stringify(value.reveal())}`
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  // Not as JSON, which has no infinity.
  if (typeof value !== 'object' || value === null) return String(value)
  const pairs = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${pairs.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(',')}}`
}
