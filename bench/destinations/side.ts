import { BINARY } from '../../tests/support/binary.ts'

/** What a program is given for one run. */
export interface Place {
  /** The records as a dump. */
  readonly dump: string
  /** The same records as lines of JSON, as pgturret writes them into a file. */
  readonly lines: string
  /** Its own, and empty. */
  readonly folder: string
  /** Where to send: whatever the destination goes by. */
  readonly to: string
}

/** A program that brings the records to a destination. */
export interface Side {
  readonly name: string
  /** What it needs and is not here: it is left out, and that is said. */
  readonly missing?: string | undefined
  /** Goes on when everything has been sent, until it is told to end; others end by themselves. */
  readonly follows?: boolean
  /** Name of the side that it is compared with; the first, by default. */
  readonly against?: string
  command(place: Place): readonly string[]
}

/** pgturret from the dump; `words` has `--to` and what belongs to it. */
export const replay = (name: string, words: (to: string) => readonly string[]): Side => ({
  name,
  command: ({ dump, to }) => [BINARY, 'replay', dump, ...words(to)],
})

/** The same sides, compared with one that is not the first. */
export const against = (name: string, sides: readonly Side[]): Side[] =>
  sides.map((side) => ({ ...side, against: name }))
