import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rsyslogCommand } from '../../peer-process.ts'
import type { Side } from '../side.ts'

/** rsyslog that follows the file of lines (imfile): from memory to memory, as quick as its manual knows. */
export interface Rsyslog {
  readonly name: string
  /** Of its output: `omkafka`. */
  readonly module: string
  /** Where the module comes from. */
  readonly from: string
  /** Whether the JSON of a line has to be known: `$!` has its fields then (mmjsonparse). */
  readonly parsed?: boolean
  /** Templates of its own. `line` is there: the line as it is. */
  readonly templates?: string
  /** What the action is told beside its type. */
  readonly action: (to: string) => string
}

/** What the action is handed: imfile reads as many at a time, so that more are seldom there. */
export const RECORDS_AT_ONCE = 1024

/** Room for so few batches that imfile would be held back, a second at a time, is not what somebody would choose. */
const QUEUE = 32 * RECORDS_AT_ONCE

/** The action is tried for ever, as pgturret does. */
const CONFIG = (given: Rsyslog, lines: string, work: string, to: string): string =>
  `global(workDirectory="${work}")
module(load="imfile")
module(load="${given.module}")
${given.parsed ? 'module(load="mmjsonparse")' : ''}
template(name="line" type="string" string="%msg%")
${given.templates ?? ''}
ruleset(name="out" queue.type="FixedArray" queue.size="${QUEUE}" queue.dequeueBatchSize="${RECORDS_AT_ONCE}"
        queue.workerThreads="1") {
  ${given.parsed ? 'action(type="mmjsonparse" cookie="")' : ''}
  action(type="${given.module}" action.resumeRetryCount="-1" ${given.action(to)})
}
input(type="imfile" file="${lines}" tag="postgres:" ruleset="out" needParse="off" addMetadata="off")
`

/** One side of a comparison. */
export const rsyslog = (given: Rsyslog): Side => ({
  name: given.name,
  follows: true,
  missing: missing(given),
  command: ({ folder, lines, to }) => {
    const config = join(folder, 'rsyslog.conf')
    const work = join(folder, 'work')
    mkdirSync(work)
    writeFileSync(config, CONFIG(given, lines, work, to))
    return rsyslogCommand(config, join(folder, 'pid'))
  },
})

/** rsyslogd itself knows where it looks for modules (RSYSLOG_MODDIR names other folders). */
function missing({ module, from }: Rsyslog): string | undefined {
  if (Bun.which('rsyslogd') === null) return 'rsyslogd (Debian: rsyslog)'
  const words = ['rsyslogd', '-N1', '-f', '/dev/stdin']
  const stdin = Buffer.from(`module(load="${module}")\naction(type="omfile" file="/dev/null")\n`)
  const { exitCode } = Bun.spawnSync(words, { stdin, stdout: 'ignore', stderr: 'ignore' })
  return exitCode === 0 ? undefined : `${module} of rsyslog (${from})`
}
