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
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
    await child.exited
    // A program that was killed may leave one of its own behind, which holds the output open.
    if (child.exitCode !== null) await Promise.all([stdout.end, stderr.end])
    return { code: child.exitCode ?? undefined, stdout: stdout.text(), stderr: stderr.text() }
  } catch {
    return undefined
  }
}

/** What has been read of a stream so far, and when it ends. */
function collect(stream: ReadableStream<Uint8Array>): { text(): string; readonly end: Promise<void> } {
  let text = ''
  const decoder = new TextDecoder()
  const read = async () => {
    for await (const chunk of stream) text += decoder.decode(chunk, { stream: true })
  }
  return { text: () => text, end: read().catch(() => undefined) }
}
