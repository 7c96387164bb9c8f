import { join } from 'node:path'

/** The compiled executable; `make build` makes it. */
export const BINARY = join(import.meta.dir, '../../dist/pgturret')

/** How a run of the executable ended, and what it printed. */
export interface BinaryRun {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the executable to its end, with nothing on standard input. */
export async function runBinary(
  words: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<BinaryRun> {
  const child = Bun.spawn([BINARY, ...words], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  return { code: await child.exited, stdout, stderr }
}
