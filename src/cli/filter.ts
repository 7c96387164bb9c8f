import type { Command } from 'commander'
import { KEYS } from '../filter/cel/keys.ts'
import type { CommandContext } from './context.ts'
import { checkCommand } from './filter/check.ts'

/** Of the list of keys. */
const COLUMNS = 100

const HELP = `
Examples:
  pgturret filter check 'level >= ERROR && dbname == "shop"'
  pgturret filter check 'duration_ms > 250 && !application_name.startsWith("batch")' pg.febe
  pgturret filter check 'sqlstate_class == "40" || message.matches("(?i)dead.?lock")' pg.febe
  pgturret filter check 'timestamp.getHours("Europe/Berlin") >= 22' pg.febe

Keys:
${keysByType()}

Severities, from the least: DEBUG5 … DEBUG1, INFO, NOTICE, LOG, WARNING, ERROR, FATAL, PANIC.
Texts: == != in + contains startsWith endsWith matches size lowerAscii upperAscii trim. A key that a record does not have
equals only null, and every other test of it is false; has(dbname) asks for it.

Exit status: 0; 2 the expression cannot be used; 3 a dump is damaged, everything readable was counted.`

/** Adds `pgturret filter check`. */
export function addFilter(
  program: Command,
  run: (action: () => Promise<number>) => Promise<void>,
  context: CommandContext,
) {
  const filter = program
    .command('filter')
    .summary('try a filter expression')
    .description('Filter expressions, as --filter and the filter of an exporter take them.')
  const check = filter
    .command('check')
    .argument('[expr]', 'a filter expression')
    .argument('[dump...]', 'files of logfebe frames to count in; - is standard input')
    .usage('[options] <expr> [dump...]')
    .description('Explains a filter expression, and counts the records of dumps for which it is true.')
    .allowUnknownOption()
    .addHelpText('after', HELP)
  const action = checkCommand(check, context)
  check.action(() => run(action))
}

/** The keys in lines, by what they hold. */
function keysByType(): string {
  const types = Map.groupBy(KEYS, ([, { type }]) => type)
  return [...types]
    .map(([type, keys]) =>
      wrapped(
        type,
        keys.map(([name]) => name),
      ),
    )
    .join('\n')
}

function wrapped(type: string, names: readonly string[]): string {
  let line = `  ${type.padEnd(11)}`
  const lines: string[] = []
  for (const name of names) {
    if (line.length + name.length > COLUMNS) {
      lines.push(line.trimEnd())
      line = ' '.repeat(13)
    }
    line += `${name} `
  }
  return [...lines, line.trimEnd()].join('\n')
}
