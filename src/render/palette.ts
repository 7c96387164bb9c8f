import { Chalk, type ChalkInstance } from 'chalk'
import { SEVERITIES, type Severity } from '../codec/severity.ts'

/** Puts a colour around a text of one line. */
export type Paint = (text: string) => string

/** What the parts of a rendered record look like. */
export interface Palette {
  readonly day: Paint
  readonly time: Paint
  /** By index into SEVERITIES. */
  readonly severities: readonly Paint[]
  /** The server, where there are several. */
  readonly sender: Paint
  readonly who: Paint
  readonly pid: Paint
  /** Messages of ERROR and above. */
  readonly failure: Paint
  readonly state: Paint
  readonly slow: Paint
  readonly verySlow: Paint
  readonly label: Paint
  /** Details, hints and contexts. */
  readonly note: Paint
  readonly statement: Paint
  readonly caret: Paint
  /** Word of records that the sender did not keep. */
  readonly missing: Paint
  /** Said by pgturret, not by PostgreSQL. */
  readonly remark: Paint
}

const plain: Paint = (text) => text

/** The two halves of a chalk style, found once: a record has some ten painted parts, and chalk works them out anew for each. */
function paintOf(style: ChalkInstance): Paint {
  const [open = '', close = ''] = style('|').split('|')
  return open === '' ? plain : (text) => open + text + close
}

function severityStyle(chalk: ChalkInstance, severity: Severity): ChalkInstance | undefined {
  if (severity.startsWith('DEBUG')) return chalk.dim
  switch (severity) {
    case 'INFO':
      return chalk.cyan
    case 'NOTICE':
      return chalk.blue
    case 'WARNING':
      return chalk.yellow
    case 'ERROR':
      return chalk.red
    case 'FATAL':
    case 'PANIC':
      return chalk.white.bgRed
    default:
      return undefined
  }
}

/**
 * The colours of the pretty format; `color` alone decides, the environment has no say here.
 *
 * Only the terminal's own 16 colours, since only those suit its background.
 */
export function makePalette(color: boolean): Palette {
  const chalk = new Chalk({ level: color ? 1 : 0 })
  const dim = paintOf(chalk.dim)
  return {
    day: paintOf(chalk.bold),
    time: dim,
    severities: SEVERITIES.map((severity) => {
      const style = severityStyle(chalk, severity)
      return style === undefined ? plain : paintOf(style)
    }),
    sender: paintOf(chalk.magenta),
    who: paintOf(chalk.cyan),
    pid: dim,
    failure: paintOf(chalk.bold),
    state: dim,
    slow: paintOf(chalk.yellow),
    verySlow: paintOf(chalk.red),
    label: dim,
    note: plain,
    statement: dim,
    caret: paintOf(chalk.red),
    missing: paintOf(chalk.yellow),
    remark: dim,
  }
}
