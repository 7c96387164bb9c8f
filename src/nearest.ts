/**
 * A question for somebody who mistyped a word: `; did you mean a or b?`, or nothing where no word that is known is near.
 *
 * @param known the words that could have been meant
 */
export function didYouMean(typed: string, known: Iterable<string>): string {
  const near = nearest(typed, known)
  return near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`
}

/** The words that are the fewest edits away: two at the most, one for the shortest. */
function nearest(typed: string, known: Iterable<string>): string[] {
  const found: { word: string; edits: number }[] = []
  for (const word of known) {
    const most = Math.min(2, Math.floor(Math.max(word.length, typed.length) / 2))
    // The lengths alone tell most of them apart, and keep a very long word from costing anything.
    if (Math.abs(word.length - typed.length) > most) continue
    const edits = distance(word, typed)
    if (edits <= most) found.push({ word, edits })
  }
  const fewest = Math.min(...found.map(({ edits }) => edits))
  return found.filter(({ edits }) => edits === fewest).map(({ word }) => word)
}

/** Edits between two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}
