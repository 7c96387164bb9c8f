/** Marsaglia's xorshift128: the same numbers for the same seed on every machine. */
export class Random {
  readonly #state: Uint32Array

  constructor(seed: number) {
    // The state must not be all zero, and near seeds should not begin alike.
    this.#state = Uint32Array.of(seed, seed ^ 0x9e3779b9, Math.imul(seed, 0x85ebca6b) + 1, 0xc2b2ae35)
    for (let i = 0; i < 32; i++) this.uint32()
  }

  /** 0 to 2^32 - 1. */
  uint32(): number {
    const state = this.#state
    let mixed = state[3]!
    const first = state[0]!
    state[3] = state[2]!
    state[2] = state[1]!
    state[1] = first
    mixed ^= mixed << 11
    mixed ^= mixed >>> 8
    state[0] = mixed ^ first ^ (first >>> 19)
    return state[0]
  }

  /** 0 to `limit - 1`. */
  below(limit: number): number {
    return limit <= 1 ? 0 : Math.floor((this.uint32() / 4294967296) * limit)
  }

  /** One of the values. */
  pick<T>(values: ArrayLike<T>): T {
    return values[this.below(values.length)]!
  }
}
