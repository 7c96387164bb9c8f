/** FNV-1a, 32 bits, over the UTF-8 bytes, as eight hex digits: short, stable for ever, and no security depends on it. */
export function fnv1aHex(text: string): string {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
