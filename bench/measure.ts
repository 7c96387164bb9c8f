import { readFileSync } from 'node:fs'

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
  let peakMiB = 0
  const look = setInterval(() => {
    peakMiB = peakOf(child.pid) ?? peakMiB
  }, LOOK_MS)
  const code = await child.exited
  clearInterval(look)
  if (code !== 0) throw new Error(`${command.join(' ')}: ${await said}`)
  return costOf(child, (performance.now() - began) / 1000, peakMiB)
}

/** Ends a program that would go on; `wall` is what the caller has measured of it, in seconds. */
export async function measureEnd(child: Bun.Subprocess, wall: number): Promise<Cost> {
  const peakMiB = peakOf(child.pid) ?? 0
  child.kill('SIGTERM')
  await child.exited
  return costOf(child, wall, peakMiB)
}

/** How often the size of a program is looked at that ends when it likes. */
const LOOK_MS = 10

/**
 * Largest resident size of a process so far, MiB; undefined when it has ended. What the kernel says of one that has ended counts
 * the process that started it, too.
 */
function peakOf(pid: number): number | undefined {
  try {
    const found = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return found ? Number(found[1]) / 1024 : undefined
  } catch {
    return undefined
  }
}

function costOf(child: Bun.Subprocess, wall: number, peakMiB: number): Cost {
  return { wall, cpu: Number(child.resourceUsage()!.cpuTime.total) / 1e6, peakMiB }
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
