/** Running programs that may take long or need the network: always bounded, and failing with what they said. */

/** What a bounded command may be given. */
export interface CommandOptions {
  cwd?: string
  env?: Record<string, string>
  seconds?: number
}

/** How a command ended. */
export interface Outcome {
  code: number
  /** Standard output alone. */
  stdout: string
  /** Both streams. */
  said: string
}

/** Runs a command to its end, or until its time is over. */
export async function attempt(words: string[], options: CommandOptions = {}): Promise<Outcome> {
  const { cwd, env, seconds = 120 } = options
  if (Bun.which(words[0] ?? '') === null) return { code: 127, stdout: '', said: `no ${words[0]} here` }
  const child = Bun.spawn(words, {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: seconds * 1000,
    // Messages are read below, so they have to be in one language.
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...env },
    ...(cwd !== undefined && { cwd }),
  })
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  const late = child.signalCode === 'SIGTERM' ? `\nended after ${seconds} s` : ''
  return { code: child.exitCode ?? 128, stdout, said: `${stdout}${stderr}${late}` }
}

/**
 * The same for a command that has to succeed.
 *
 * @throws with the last lines that it wrote
 */
export async function command(words: string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, said } = await attempt(words, options)
  if (code !== 0) throw new Error(`${words[0]} ended with ${code}: ${lastLines(said, 4)}`)
  return stdout
}

/** The end of a text, without empty lines and warnings. */
export function lastLines(text: string, count: number): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !/^(?:npm warn|W: )/.test(line))
  return lines.slice(-count).join('\n')
}
