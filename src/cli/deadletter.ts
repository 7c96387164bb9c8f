import type { Command } from 'commander'
import type { CommandContext } from './context.ts'
import { listCommand } from './deadletter/list.ts'
import { replayCommand } from './deadletter/replay.ts'
import { showCommand } from './deadletter/show.ts'

const SHOW_HELP = `
Examples:
  pgturret deadletter show orders --records 3
  pgturret deadletter show --format json | jq -r .reason`

const REPLAY_HELP = `
Examples:
  pgturret deadletter replay orders --to orders
  pgturret deadletter replay --to file:///tmp/refused.ndjson --keep

What was delivered is removed, unless --keep; the listener may go on running. After a kill nothing is lost, and some
records are sent twice: their uid is the same.
Exit status: 0; 2 usage; 4 some records were refused again or could not be delivered, they stay.`

type Run = (action: () => Promise<number>) => Promise<void>

/** Adds `pgturret deadletter list`, `show` and `replay`. */
export function addDeadletter(program: Command, run: Run, context: CommandContext) {
  const letters = program
    .command('deadletter')
    .summary('records that destinations have refused')
    .description('Records that a destination refused for good, or that were given up, with the reason.')
  const add = (name: string, description: string, help = '') =>
    letters.command(name).description(description).allowUnknownOption().addHelpText('after', help)

  const list = add('list', 'Says how many there are for each exporter, and why.')
  const listed = listCommand(list, context)
  list.action(() => run(listed))

  const show = add('show', 'Shows each record with the reason.', SHOW_HELP)
  show
    .argument('[exporter...]', 'names of exporters; all when none is given')
    .usage('[options] [exporter...]')
  const shown = showCommand(show, context)
  show.action(() => run(shown))

  const replay = add('replay', 'Sends the records to a destination.', REPLAY_HELP)
  replay
    .argument('[exporter...]', 'names of exporters; all when none is given')
    .usage('[options] [exporter...]')
  const replayed = replayCommand(replay, context)
  replay.action(() => run(replayed))
}
