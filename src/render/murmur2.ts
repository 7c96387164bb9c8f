/**
 * MurmurHash2 as Kafka's own clients take it of a key, made positive: a record goes to the partition of this number modulo
 * the count of partitions, whichever client has sent it.
 */
export function murmur2(bytes: Uint8Array, words: DataView, start: number, end: number): number {
  const length = end - start
  let hash = 0x9747b28c ^ length
  let at = start
  for (const last = end - 4; at <= last; at += 4) {
    const mixed = Math.imul(words.getInt32(at, true), 0x5bd1e995)
    hash = Math.imul(hash, 0x5bd1e995) ^ Math.imul(mixed ^ (mixed >>> 24), 0x5bd1e995)
  }
  const rest = end - at
  if (rest > 0) {
    if (rest === 3) hash ^= bytes[at + 2]! << 16
    if (rest >= 2) hash ^= bytes[at + 1]! << 8
    hash = Math.imul(hash ^ bytes[at]!, 0x5bd1e995)
  }
  hash = Math.imul(hash ^ (hash >>> 13), 0x5bd1e995)
  return (hash ^ (hash >>> 15)) & 0x7fffffff
}
