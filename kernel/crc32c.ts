/**
 * Shortens a message to 1672 bytes that leave the same remainder: what CRC-32C spends on a long one.
 *
 * With x⁶⁴ for y, the polynomial of CRC-32C divides y²⁰⁹ + y¹⁴⁴ + y⁵⁴ + y³⁹ + y¹⁴ + 1. So a word of 64 bits can be taken out of a
 * message, and added (which is XOR) to the words 65, 155, 170, 195 and 209 behind it: the remainder stays the same. It needs no
 * tables, and nothing but whole words that are read and written; the nearest of them is so far behind that none waits for another.
 *
 * Seen from the word that receives, each takes in five of those before it; they stand in memory in front of it.
 */

/** Bytes that the longest of the five steps goes back: what remains of a message, and what stands in front of its next part. */
const REACH: u32 = 209 * 8
/** From the word furthest back to the others, in bytes: 195, 170, 155 and 65 words in front of the one that takes them in. */
const SECOND: usize = (209 - 195) * 8
const THIRD: usize = (209 - 170) * 8
const FOURTH: usize = (209 - 155) * 8
const FIFTH: usize = (209 - 65) * 8

/** Takes in, for every word from one offset to another, what words before it were. */
export function fold(from: u32, to: u32): void {
  to -= REACH
  for (let at = from - REACH; at < to; at += 8) {
    const taken = load<u64>(at) ^ load<u64>(at, SECOND) ^ load<u64>(at, THIRD) ^ load<u64>(at, FOURTH)
    store<u64>(at, load<u64>(at, REACH) ^ taken ^ load<u64>(at, FIFTH), REACH)
  }
}

/** The same for the last words, which are not taken out themselves: only words in front of `from` are added. */
export function settle(from: u32): void {
  add(from, 65 * 8)
  add(from, 155 * 8)
  add(from, 170 * 8)
  add(from, 195 * 8)
  add(from, REACH)
}

function add(from: u32, back: u32): void {
  for (let at = from; at < from + back; at += 8) store<u64>(at, load<u64>(at) ^ load<u64>(at - back))
}
