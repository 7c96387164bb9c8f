import type { Command } from 'commander'
import { listenOptions } from '../config/listen-options.ts'
import { addExporterOptions, addOptions } from './command-options.ts'
import type { CommandContext } from './context.ts'
import { serve } from './serve.ts'
import { readListenSettings } from './settings.ts'

const HELP = `
Examples:
  pgturret listen                                      show records here
  pgturret listen --to file:///var/log/pg.ndjson       write them to a file, one JSON object a line
  pgturret listen --to https://logs.example/in --http-token env:LOG_TOKEN --to stdout --level WARNING
  pgturret listen --to https://logs.example/in --redact=literals --rate-limit=100/s
  pgturret listen --config /etc/pgturret/pgturret.toml --metrics 127.0.0.1:9188

Records stay in the journal until every destination has them; a destination that was away goes on where it was.
SIGTERM sends what has arrived and exits 0; a second one exits at once. SIGHUP reads the configuration and opens files anew.`

/** Adds `pgturret listen`. */
export function addListen(
  program: Command,
  run: (action: () => Promise<number>) => Promise<void>,
  context: CommandContext,
) {
  const command = program
    .command('listen')
    .summary('receive records from PostgreSQL and send them on')
    .description('Receives log records on a unix socket and shows them, or sends them to destinations.')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', HELP)
  addOptions(command, listenOptions)
  addExporterOptions(command)
  const settings = () => readListenSettings(command, context)
  command.action(() => run(() => serve(settings(), settings, context)))
}
