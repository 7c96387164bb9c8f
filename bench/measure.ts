/** What one run of a program cost. */
export interface Cost {
  /** Seconds on the clock. */
  readonly wall: number
  /** Seconds of processor, user and system. */
  readonly cpu: number
  /** Largest resident size, MiB. */
  readonly peakMiB: number
}

/**
 * Runs a program to its end, its output read and thrown away.
 *
 * @throws when it exits with another status than 0
 */
export async function measure(command: readonly string[]): Promise<Cost> {
  const began = performance.now()
  const child = Bun.spawn([...command], { stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' })
  const said = new Response(child.stderr).text()
  if ((await child.exited) !== 0) throw new Error(`${command.join(' ')}: ${await said}`)
  return costOf(child, (performance.now() - began) / 1000)
}

/** The cost of a program that has ended. */
export function costOf(child: Bun.Subprocess, wall: number): Cost {
  const usage = child.resourceUsage()!
  return { wall, cpu: Number(usage.cpuTime.total) / 1e6, peakMiB: usage.maxRSS / 1024 ** 2 }
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
