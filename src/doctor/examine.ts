import { examineClock } from './clock.ts'
import { examineConfiguration } from './configuration.ts'
import { examineDamage } from './damage.ts'
import { examineDestinations } from './destinations.ts'
import { type Finding, type State, warn } from './finding.ts'
import { examineJournal } from './journal.ts'
import { examineLimits } from './limits.ts'
import { examineListener } from './listener.ts'
import { examineModule } from './module.ts'
import { examineService } from './service.ts'
import { examineSocket } from './socket.ts'
import type { Check, Surroundings } from './surroundings.ts'

/** Every check, in the order of the report: the way of a record, then what is around it. */
export const CHECKS: readonly (readonly [what: string, check: Check])[] = [
  ['configuration', examineConfiguration],
  ['module', examineModule],
  ['socket', examineSocket],
  ['listener', examineListener],
  ['service', examineService],
  ['journal', examineJournal],
  ['records', examineDamage],
  ['destinations', examineDestinations],
  ['clock', examineClock],
  ['limits', examineLimits],
]

/** What a check found, with the name of what it looked at. */
export interface Looked extends Finding {
  readonly what: string
}

/**
 * Looks at everything at the same time; the findings are in the order of the checks. Never rejects, and ends in time: what
 * has not ended by then is a finding, too.
 *
 * @param patienceMs how long one check may take
 */
export async function examine(
  surroundings: Surroundings,
  patienceMs: number,
  checks = CHECKS,
): Promise<Looked[]> {
  const found = checks.map(async ([what, check]) => {
    const findings = await inTime(check(surroundings), patienceMs)
    return findings.map((finding) => ({ what, ...finding }))
  })
  return (await Promise.all(found)).flat()
}

async function inTime(work: Promise<readonly Finding[]>, patienceMs: number): Promise<readonly Finding[]> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<readonly Finding[]>((done) => {
    timer = setTimeout(() => done([warn(`could not be looked at within ${patienceMs / 1000} s`)]), patienceMs)
  })
  const failed = (error: Error) => [warn(`could not be looked at: ${error.message}`)]
  try {
    return await Promise.race([work.catch(failed), late])
  } finally {
    clearTimeout(timer)
  }
}

/** The worst of some findings. */
export function worst(findings: readonly Finding[]): State {
  const states = findings.map(({ state }) => state)
  return states.includes('broken') ? 'broken' : states.includes('warn') ? 'warn' : 'ok'
}
