import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { countText, sizeText } from '../observe/amounts.ts'
import { broken, type Finding, isForbidden, ok, unseen, warn } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** Files beside connections: segments, cursors, destinations, the runtime's own. */
const SPARE_FILES = 100
const LEAST_MEMORY = 128 * 1024 ** 2

/** Open files and memory: of the listener, or of one that would be started here. */
export async function examineLimits(surroundings: Surroundings): Promise<Finding[]> {
  const pid = surroundings.status.snapshot?.pid
  return [...files(surroundings, pid), ...memory(surroundings, pid)]
}

function files({ proc, limits }: Surroundings, pid: number | undefined): Finding[] {
  const folder = join(proc, String(pid ?? 'self'))
  let most: number
  let open: number
  try {
    const [, soft = ''] = /^Max open files\s+(\S+)/m.exec(readFileSync(join(folder, 'limits'), 'utf8')) ?? []
    most = soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
    open = pid === undefined ? 0 : readdirSync(join(folder, 'fd')).length
  } catch (error) {
    return isForbidden(error) ? [unseen("the listener's open files")] : []
  }
  const advice = 'LimitNOFILE=16384 in the unit (systemctl edit pgturret), or ulimit -n 16384'
  const said = `${countText(open)} of ${Number.isFinite(most) ? countText(most) : 'any number of'} files open`
  if (open > 0.9 * most) return [broken(`${said}: soon nothing can be opened`, advice)]
  const wanted = limits.connections + SPARE_FILES
  if (most < wanted)
    return [
      warn(`at most ${countText(most)} open files; --max-connections may need ${countText(wanted)}`, advice),
    ]
  return [ok(pid === undefined ? `up to ${countText(most)} open files` : said)]
}

/** A line of the kernel's, `MemAvailable:  123 kB`, in bytes. */
const amount = (text: string, name: string): number | undefined => {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)
  return found === null ? undefined : Number(found[1]) * 1024
}

function memory({ proc }: Surroundings, pid: number | undefined): Finding[] {
  try {
    const all = readFileSync(join(proc, 'meminfo'), 'utf8')
    const [available, total] = [amount(all, 'MemAvailable'), amount(all, 'MemTotal')]
    if (available === undefined || total === undefined) return []
    const own =
      pid === undefined ? undefined : amount(readFileSync(join(proc, String(pid), 'status'), 'utf8'), 'VmRSS')
    const said = `${own === undefined ? '' : `the listener uses ${sizeText(own)} of memory; `}${sizeText(available)} of ${sizeText(total)} available`
    return [
      available < Math.max(LEAST_MEMORY, total / 50)
        ? warn(`${said}: little`, 'free -m; ps aux --sort=-rss | head')
        : ok(said),
    ]
  } catch {
    return []
  }
}
