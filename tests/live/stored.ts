import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import type { Arrival } from './account.ts'

/** One request, a line of the file. */
interface Taken {
  /** By which the request is known again, where the API has such a thing. */
  readonly key: string
  readonly records: readonly Arrival[]
}

/** What a receiver has taken, in a file; what it was killed in the middle of writing does not count. */
export class Stored {
  readonly #path: string
  readonly #keys = new Set<string>()

  constructor(path: string) {
    this.#path = path
    if (!existsSync(path)) writeFileSync(path, '')
    truncateSync(path, readFileSync(path).lastIndexOf('\n') + 1)
    for (const { key } of takenIn(path)) this.#keys.add(key)
  }

  /** Whether a request with this key was taken before. */
  has(key: string): boolean {
    return this.#keys.has(key)
  }

  /** Written when it returns: a process that is killed takes nothing along that the system has. */
  add(records: readonly Arrival[], key = ''): void {
    appendFileSync(this.#path, `${JSON.stringify({ key, records })}\n`)
    this.#keys.add(key)
  }
}

/** Everything in a receiver's file. */
export const storedIn = (path: string): Arrival[] => takenIn(path).flatMap(({ records }) => records)

const takenIn = (path: string): Taken[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Taken)
