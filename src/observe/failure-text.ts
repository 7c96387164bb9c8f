import { visibleLine } from '../render/visible.ts'

/** Longest text of a failure that is repeated, in characters: a destination may answer with a whole page. */
const MOST_CHARACTERS = 300

/** What failed and how, as one visible line; without a text of the failure, what failed. */
export function failureText(what: string, error: string | undefined): string {
  if (error === undefined) return visibleLine(what)
  const cut = error.length > MOST_CHARACTERS ? `${error.slice(0, MOST_CHARACTERS)}…` : error
  return visibleLine(`${what}: ${cut}`)
}
