/** A place in the recordings that are replayed. */
export interface Place {
  /** Index of the recording. */
  readonly recording: number
  /** Position in it: everything before it is settled. */
  readonly position: number
}

/** From one position of the pipeline on, positions of a recording are so many further. */
interface Run {
  readonly after: number
  readonly recording: number
  readonly ahead: number
}

/** Settled stretches that are kept until they are let go of together. */
const MOST_SETTLED_RUNS = 1024

/**
 * Finds the place in the recordings for a position of the pipeline, which counts only the entries that it was given.
 *
 * What is remembered are the stretches in which nothing was left out, as far as they are not settled.
 */
export class Settled {
  #runs: Run[] = []
  #first = 0
  #accepted = 0
  /** What was read, but for entries that the pipeline was not given. */
  #read: Place = { recording: 0, position: 0 }

  /** The pipeline was given an entry: `position` is the one behind it in its recording. */
  accepted(recording: number, position: number): void {
    const ahead = position - ++this.#accepted
    const last = this.#runs.at(-1)
    if (last === undefined || last.recording !== recording || last.ahead !== ahead)
      this.#runs.push({ after: this.#accepted - 1, recording, ahead })
    this.#read = { recording, position }
  }

  /** Everything before a place was read, and given to the pipeline where it was wanted. */
  read(recording: number, position: number): void {
    this.#read = { recording, position }
  }

  /** The place up to which everything is settled when the pipeline is done up to a position; undefined: no news. */
  place(done: number): Place | undefined {
    if (done >= this.#accepted) {
      this.#runs = []
      this.#first = 0
      return this.#read
    }
    const runs = this.#runs
    while (this.#first + 1 < runs.length && runs[this.#first + 1]!.after < done) this.#first++
    if (this.#first >= MOST_SETTLED_RUNS) {
      runs.splice(0, this.#first)
      this.#first = 0
    }
    const { after, recording, ahead } = runs[this.#first]!
    return done <= after ? undefined : { recording, position: done + ahead }
  }
}
