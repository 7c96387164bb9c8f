import type { Command } from 'commander'
import { z } from 'zod'
import type { ConfigFile } from '../../config/config-file.ts'
import { type Given, readOptions } from '../../config/options.ts'
import { renderingOptions } from '../../config/rendering-options.ts'
import { choice, duration, text } from '../../config/values.ts'
import { FORMATS } from '../../render/encoder.ts'
import { addExporterOptions, addOptions, commandLine, refuse } from '../command-options.ts'
import type { CommandContext } from '../context.ts'
import { schemeOf } from '../destination-sources.ts'
import { type Destination, readDestinations } from '../destinations.ts'
import { colorsOf } from '../encodings.ts'
import { ExitCode } from '../exit-code.ts'
import { journalOptions, withSystemErrors } from '../listener-places.ts'
import { refuseTwoFormats } from '../rendering.ts'
import { readSources } from '../settings.ts'
import { filesOf, letterFolder } from './letter-folder.ts'
import { replayLetters } from './replay-letters.ts'

const options = journalOptions.extend({
  // One: a letter is removed when it was delivered, and with two destinations that could be said of one alone.
  to: text('DEST').optional().meta({
    description: 'where the records go: an exporter of the configuration file, a URL, or stdout',
  }),
  format: choice([...FORMATS, 'febe'])
    .prefault('json')
    .meta({ description: 'how stdout and files are written; febe writes a dump' }),
  ...renderingOptions.shape,
  keep: z.boolean().prefault(false).meta({ description: 'keep the letters of what was delivered' }),
  retryFor: duration()
    .prefault('60s')
    .meta({ description: 'how long a destination that fails is tried before giving up' }),
})

/** Gives `pgturret deadletter replay` its options; returns what it does. */
export function replayCommand(command: Command, context: CommandContext): () => Promise<number> {
  addOptions(command, options)
  addExporterOptions(command)
  return async () => {
    const problems: string[] = []
    const given = commandLine(command, context, problems, true)
    const read = readOptions(options, given, problems)
    const destination = readDestination(given, problems)
    const folder = letterFolder(given, problems)
    refuse(problems)
    const names = given.operands
    const files = await filesOf(folder!, names)
    if (files.length === 0) {
      context.log.info(`there are no dead letters in ${folder}`)
      return ExitCode.Done
    }
    const { keep, retryFor } = read!
    const resend = { destination: destination!, retryForMs: retryFor, colors: colorsOf('auto', context) }
    return withSystemErrors(folder!, () => replayLetters({ folder: folder!, names, keep, resend }, context))
  }
}

/** Also when another option is wrong: everything that is wrong is said at once. */
function readDestination(given: Given, problems: string[]): Destination | undefined {
  const read = readOptions(options.pick({ to: true }), given, [])
  const format = readOptions(options.pick({ format: true }), given, [])?.format ?? 'json'
  const to = read?.to
  if (to === undefined) {
    problems.push('--to: expected where the records go')
    return undefined
  }
  const file = configFile(to, given, problems)
  const rendering = readOptions(renderingOptions, given, []) ?? {}
  refuseTwoFormats(given, problems)
  return readDestinations([{ to, format, rendering }], given, problems, file)[0]
}

/** Read where the destination may be called by the name that it has there. */
function configFile(to: string, given: Given, problems: string[]): ConfigFile | undefined {
  const named = to !== 'stdout' && schemeOf(to) === undefined
  return named ? readSources(given, problems).file : undefined
}
