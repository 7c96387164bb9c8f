/**
 * Shortens a message to 1672 bytes that leave the same remainder: what CRC-32C spends on a long one.
 *
 * With x⁶⁴ for y, the polynomial of CRC-32C divides y²⁰⁹ + y¹⁴⁴ + y⁵⁴ + y³⁹ + y¹⁴ + 1. So a word of 64 bits can be taken out of a
 * message, and added (which is XOR) to the words 65, 155, 170, 195 and 209 behind it: the remainder stays the same. It needs no
 * tables, and nothing but whole words that are read and written; the nearest of them is so far behind that none waits for another.
 *
 * Seen from the word that receives, each takes in five of those before it; they stand in memory in front of it.
 */

/** How far back the words stand that one takes in, in bytes. The furthest is what remains of a message, too. */
const FIRST: u32 = 65 * 8
const SECOND: u32 = 155 * 8
const THIRD: u32 = 170 * 8
const FOURTH: u32 = 195 * 8
const REACH: u32 = 209 * 8

/** Takes in, for every word from one offset to another, what words before it were. */
export function fold(from: u32, to: u32): void {
  to -= REACH
  for (let at = from - REACH; at < to; at += 8) {
    const taken =
      load<u64>(at) ^
      load<u64>(at, REACH - FOURTH) ^
      load<u64>(at, REACH - THIRD) ^
      load<u64>(at, REACH - SECOND)
    store<u64>(at, load<u64>(at, REACH) ^ taken ^ load<u64>(at, REACH - FIRST), REACH)
  }
}

/** The same for the last words, which are not taken out themselves: only words in front of `from` are added. */
export function settle(from: u32): void {
  add(from, FIRST)
  add(from, SECOND)
  add(from, THIRD)
  add(from, FOURTH)
  add(from, REACH)
}

function add(from: u32, back: u32): void {
  for (let at = from; at < from + back; at += 8) store<u64>(at, load<u64>(at) ^ load<u64>(at - back))
}
