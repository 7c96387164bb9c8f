/** What has arrived at a destination, told apart by `uid`. */
export class Arrived {
  /** Times that records began to come again: once for each batch that was sent twice. */
  repetitions = 0
  /** Messages of all records. */
  readonly messages = new Set<string>()
  /** What should not be: lines that are no record, records of one uid that differ. */
  readonly complaints: string[] = []
  /** By uid, in the order of their first arrival. */
  readonly #messages = new Map<string, string>()

  /** Unique ids in the order of their first arrival. */
  get uids(): Iterable<string> {
    return this.#messages.keys()
  }

  /** Takes one batch: JSON records, one a line. */
  take(text: string): void {
    let repeating = false
    for (const line of text.split('\n')) {
      if (line === '') continue
      const known = this.#line(line)
      if (known && !repeating) this.repetitions++
      repeating = known
    }
  }

  /** @returns whether it was here before */
  #line(line: string): boolean {
    const record = parse(line)
    if (record === undefined) {
      this.complaints.push(`no record: ${line.slice(0, 200)}`)
      return false
    }
    const { uid, message } = record
    const before = this.#messages.get(uid)
    if (before !== undefined && before !== message)
      this.complaints.push(`${uid}: "${before}" and "${message}"`)
    this.#messages.set(uid, message)
    this.messages.add(message)
    return before !== undefined
  }
}

function parse(line: string): { uid: string; message: string } | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
