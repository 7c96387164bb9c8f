import { Chalk } from 'chalk'
import { visibleLine } from '../render/visible.ts'
import { type Looked, worst } from './examine.ts'
import type { State } from './finding.ts'

const MARKS: Readonly<Record<State, string>> = { ok: '✓', warn: '!', broken: '✗' }

/** The report for a person: a line for each finding, and below it what to do. */
export function reportText(findings: readonly Looked[], color: boolean): string {
  const chalk = new Chalk({ level: color ? 1 : 0 })
  const paints = { ok: chalk.green, warn: chalk.yellow, broken: chalk.red } as const
  const width = Math.max(...findings.map(({ what }) => what.length))
  const lines = findings.map(({ what, state, said, advice }, index) => {
    // A name once, for all that is said of it.
    const name = findings[index - 1]?.what === what ? '' : what
    const line = `${paints[state](MARKS[state])} ${name.padEnd(width)}  ${visibleLine(said)}\n`
    return advice === undefined
      ? line
      : `${line}  ${''.padEnd(width)}  ${chalk.bold('→')} ${visibleLine(advice)}\n`
  })
  return `${lines.join('')}\n${verdict(findings)}\n`
}

function verdict(findings: readonly Looked[]): string {
  const count = (state: State) => findings.filter((finding) => finding.state === state).length
  const [bad, odd] = [count('broken'), count('warn')]
  if (bad + odd === 0) return 'Everything is fine.'
  const things = (many: number) => `${many} thing${many === 1 ? '' : 's'}`
  const parts = [
    ...(bad === 0 ? ['Nothing is broken'] : [`${things(bad)} ${bad === 1 ? 'is' : 'are'} broken`]),
    ...(odd === 0 ? [] : [`${things(odd)} ${odd === 1 ? 'is' : 'are'} worth a look`]),
  ]
  return `${parts.join('; ')}.`
}

/** The same as one line of JSON; every key is always there. */
export const reportJson = (findings: readonly Looked[]): string =>
  `${JSON.stringify({
    state: worst(findings),
    findings: findings.map(({ what, state, said, advice }) => ({
      what,
      state,
      said,
      advice: advice ?? null,
    })),
  })}\n`
