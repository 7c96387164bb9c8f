/** What `bun test` counted. */

export interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** The sums in the first element of a JUnit report; nothing when bun did not get as far as writing one. */
export async function readReport(path: string): Promise<Counts> {
  const head = (await textOf(path)).match(/<testsuites [^>]*>/)?.[0] ?? ''
  const sum = (name: string) => Number(head.match(new RegExp(` ${name}="(\\d+)"`))?.[1] ?? 0)
  const failed = sum('failures') + sum('errors')
  return { passed: sum('tests') - failed - sum('skipped'), failed, skipped: sum('skipped') }
}

/** Names of the tests in a report that were skipped, and do not say in parentheses at their end why. */
export async function skippedWithoutReason(path: string): Promise<string[]> {
  const skipped = (await textOf(path)).matchAll(/<testcase name="([^"]*)"[^>]*>\s*<skipped/g)
  return [...skipped].map(([, name]) => name!).filter((name) => !name.endsWith(')'))
}

async function textOf(path: string): Promise<string> {
  const file = Bun.file(path)
  return (await file.exists()) ? file.text() : ''
}
