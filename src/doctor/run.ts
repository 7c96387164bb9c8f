import type { Ran } from './surroundings.ts'

/** As much of what a program says as is kept. */
const MOST_BYTES = 1024 ** 2

/**
 * Runs a program, without input, and kills it when it takes too long.
 *
 * @returns undefined when there is none of that name. Never rejects
 */
export async function runInTime(
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  patienceMs: number,
): Promise<Ran | undefined> {
  try {
    const child = Bun.spawn([...command], {
      // No program asks for a password here, and each says in one language what this program looks for.
      env: { ...env, LC_ALL: 'C' },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: patienceMs,
      killSignal: 'SIGKILL',
      maxBuffer: MOST_BYTES,
    })
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()])
    await child.exited
    return { code: child.exitCode ?? undefined, stdout, stderr }
  } catch {
    return undefined
  }
}
