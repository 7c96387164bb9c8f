import type { Command } from 'commander'
import { z } from 'zod'
import { readOptions } from '../config/options.ts'
import { text } from '../config/values.ts'
import { examine, worst } from '../doctor/examine.ts'
import { reportJson, reportText } from '../doctor/report.ts'
import { addOptions, commandLine, refuse } from './command-options.ts'
import type { CommandContext } from './context.ts'
import { surroundingsOf } from './doctor/surroundings.ts'
import { wantsColor } from './encodings.ts'
import { ExitCode } from './exit-code.ts'
import { journalOptions, socketOptions } from './listener-places.ts'

const options = z.object({
  ...socketOptions.shape,
  ...journalOptions.shape,
  pgConfig: text('PATH').optional().meta({
    description: 'pg_config of the server to look at (default: the newest server of this machine)',
  }),
  json: z.boolean().prefault(false).meta({ description: 'one line of JSON' }),
})

/** How long one check may take: a destination has ten seconds to answer. */
const PATIENCE_MS = 12_000

const HELP = `
Looks at the configuration, the module in PostgreSQL, the socket and who may connect, the listener, its unit, the journal
and what is in it, the destinations, the clock, open files and memory; says how each stands, and what to do. Changes
nothing, sends no record, and takes some seconds at most. What this user may not see, it says.

The server is asked through psql, as PGHOST, PGPORT and PGUSER say; by root, as the user postgres.

Examples:
  sudo pgturret doctor
  pgturret doctor --json | jq -r '.findings[] | select(.state != "ok") | .said'

Exit status: 0 nothing is broken (there may be warnings); 2 usage; 4 something is broken.`

/** Adds `pgturret doctor`. */
export function addDoctor(
  program: Command,
  run: (action: () => Promise<number>) => Promise<void>,
  context: CommandContext,
) {
  const command = program
    .command('doctor')
    .summary('find out what is wrong, and what to do')
    .description(
      'Looks at everything between PostgreSQL and the destinations, and says what to do about what is wrong.',
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', HELP)
  addOptions(command, options)
  command.action(() => run(() => doctor(command, context)))
}

async function doctor(command: Command, context: CommandContext): Promise<number> {
  const problems: string[] = []
  const given = commandLine(command, context, problems, false)
  const read = readOptions(options, given, problems)
  refuse(problems)
  const findings = await examine(await surroundingsOf(given, read!.pgConfig), PATIENCE_MS)
  context.print(read!.json ? reportJson(findings) : reportText(findings, wantsColor('auto', context)))
  return worst(findings) === 'broken' ? ExitCode.NotAllDelivered : ExitCode.Done
}
