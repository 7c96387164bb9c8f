/** What `bun test` counted. */

export interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** The sums in the first element of a JUnit report; nothing when bun did not get as far as writing one. */
export async function readReport(path: string): Promise<Counts> {
  const file = Bun.file(path)
  const head = (await file.exists()) ? ((await file.text()).match(/<testsuites [^>]*>/)?.[0] ?? '') : ''
  const sum = (name: string) => Number(head.match(new RegExp(` ${name}="(\\d+)"`))?.[1] ?? 0)
  const failed = sum('failures') + sum('errors')
  return { passed: sum('tests') - failed - sum('skipped'), failed, skipped: sum('skipped') }
}
