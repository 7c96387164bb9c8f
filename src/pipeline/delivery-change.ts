/** Wakes whoever waits for something to change; a change that nobody waited for is not missed. */
export class Change {
  #happened = false
  #wake: (() => void) | undefined

  /** Something has changed. */
  readonly say = (): void => {
    this.#happened = true
    this.#wake?.()
  }

  /** Resolves when something has changed since the last call; for one who waits at a time. */
  async wait(): Promise<void> {
    if (!this.#happened) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#happened = false
    this.#wake = undefined
  }
}
