import type { Command } from 'commander'
import type { CommandContext } from './context.ts'
import { catCommand } from './journal/cat.ts'
import { lsCommand } from './journal/ls.ts'
import { pruneCommand } from './journal/prune.ts'
import { repairCommand } from './journal/repair.ts'
import { verifyCommand } from './journal/verify.ts'

const VERIFY_HELP = `
Reads everything, also beside a running listener; changes nothing.
Exit status: 0 all good; 2 usage; 3 something is damaged.`

const CAT_HELP = `
Examples:
  pgturret journal cat --from 1200000 --records 10 --format pretty
  pgturret journal cat --level ERROR | jq .message
  pgturret journal cat --format febe > all.febe

Works beside a running listener; changes nothing.
Exit status: 0; 2 usage; 3 something is damaged, everything readable was shown; 4 the output could not be written.`

const REPAIR_HELP = `
Good segments are not touched; a damaged one is kept under another name. A listener does not need this: it passes over
damage by itself, and counts what is lost.`

const PRUNE_HELP = `
Examples:
  pgturret journal prune --size 1GB --dry-run
  pgturret journal prune --cursor kafka-5d1f00aa

A running listener does this by itself: see --journal-size and --journal-age.`

type Run = (action: () => Promise<number>) => Promise<void>
type Make = (command: Command, context: CommandContext) => () => Promise<number>

/** Adds `pgturret journal ls`, `verify`, `cat`, `repair` and `prune`. */
export function addJournal(program: Command, run: Run, context: CommandContext) {
  const journal = program
    .command('journal')
    .summary('look at, check and mend a journal')
    .description('The journal of a listener: records on the disk, and how far each destination has come.')
  const add = (name: string, description: string, make: Make, help = '') => {
    const command = journal
      .command(name)
      .argument('[dir]', 'folder of the journal (default: as for "pgturret listen")')
      .usage('[options] [dir]')
      .description(description)
      .allowUnknownOption()
      .allowExcessArguments()
      .addHelpText('after', help)
    const action = make(command, context)
    command.action(() => run(action))
  }
  add('ls', 'Lists segments and cursors, and who uses the journal.', lsCommand)
  add('verify', 'Checks every record, that none is missing, and the cursors.', verifyCommand, VERIFY_HELP)
  add('cat', 'Shows records.', catCommand, CAT_HELP)
  add('repair', 'Takes damage out of a journal that no listener uses.', repairCommand, REPAIR_HELP)
  add(
    'prune',
    'Removes the oldest records, or cursors, of a journal that no listener uses.',
    pruneCommand,
    PRUNE_HELP,
  )
}
