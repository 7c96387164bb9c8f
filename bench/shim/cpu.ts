import { readdirSync, readFileSync } from 'node:fs'

const TICKS = Number(Bun.spawnSync(['getconf', 'CLK_TCK']).stdout.toString())

/** The numbers after the name in /proc/PID/stat, from the state on. */
function stat(pid: number | string): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

const seconds = (words: string[] | undefined, ...columns: number[]) =>
  columns.reduce((sum, column) => sum + Number(words?.[column] ?? 0), 0) / TICKS

/** Processor seconds of one process, user and system. */
export const processCpu = (pid: number): number => seconds(stat(pid), 11, 12)

/** Processor seconds of a postmaster, of its children that ended, and of those that run. */
export function childrenCpu(postmaster: number): number {
  let sum = seconds(stat(postmaster), 11, 12, 13, 14)
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const words = stat(pid)
    if (Number(words?.[1]) === postmaster) sum += seconds(words, 11, 12)
  }
  return sum
}
