import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import type { z } from 'zod'
import { type ConfigFile, readConfigFile } from '../config/config-file.ts'
import { defaultConfigFile } from '../config/default-paths.ts'
import { type ListenOptions, listenOptions } from '../config/listen-options.ts'
import { type Given, readOptions, resolveOptions } from '../config/options.ts'
import { renderingOptions } from '../config/rendering-options.ts'
import { EXPORTERS } from '../exporters/registry.generated.ts'
import { groupId } from '../ingest/socket-path.ts'
import { commandLine, refuse } from './command-options.ts'
import type { CommandContext } from './context.ts'
import type { Asked } from './destination-sources.ts'
import { type Destination, readDestinations } from './destinations.ts'
import { refuseTwoFormats } from './rendering.ts'

/** Everything that `pgturret listen` is told, from all sources together. */
export interface ListenSettings {
  readonly options: ListenOptions
  /** In the order in which they were asked for, or of the file; `dump` is the last. */
  readonly destinations: readonly Destination[]
  /** The configuration file that was read. */
  readonly configFile: string | undefined
  /** Number of the group that `socketGroup` names. */
  readonly groupId: number | undefined
}

/**
 * Reads what `pgturret listen` is told: flags, environment, configuration file. At SIGHUP it is called again, and reads the
 * file and the files of secrets anew.
 *
 * @throws ConfigError with everything that is wrong, wherever it was said
 */
export function readListenSettings(command: Command, context: CommandContext): ListenSettings {
  const problems: string[] = []
  const sources = readSources(commandLine(command, context, problems, false), problems)
  const settings = settingsFrom(sources, problems)
  refuse(problems)
  return settings!
}

/** What was given, before it is judged. */
export interface Sources {
  /** For the options of `listen`. */
  readonly given: Given
  readonly file: ConfigFile | undefined
}

/**
 * Reads the configuration file, where there is one.
 *
 * @param path the file, where it is not left to `--config`, the environment and the usual places
 */
export function readSources(given: Given, problems: string[], path = configPath(given, problems)): Sources {
  const file = path === undefined ? undefined : readConfigFile(path, EXPORTERS, problems)
  return { given: { flags: given.flags, env: given.env, table: file?.top }, file }
}

function configPath(given: Given, problems: string[]): string | undefined {
  const read = readOptions(listenOptions.pick({ config: true }), given, problems)
  return read === undefined ? undefined : (read.config ?? defaultConfigFile(given.env))
}

/**
 * Judges what was given.
 *
 * @param asked the destinations, where they are not those that were asked for
 * @returns undefined when an option cannot be read; what is wrong is added to `problems`
 */
export function settingsFrom(
  sources: Sources,
  problems: string[],
  asked: readonly Asked[] = askedBy(sources),
): ListenSettings | undefined {
  const { given, file } = sources
  const options = readOptions(listenOptions, given, problems)
  refuseTwoFormats(given, problems)
  const destinations = readDestinations(asked, given, problems, file)
  const group = options?.socketGroup === undefined ? undefined : groupId(options.socketGroup)
  if (options?.socketGroup !== undefined && group === undefined) {
    const { name } = alone(listenOptions.pick({ socketGroup: true }), given)
    problems.push(`${name}: there is no group "${options.socketGroup}"`)
  }
  return options && { options, destinations, configFile: file?.path, groupId: group }
}

/**
 * The destinations that were asked for: by `to`, else all of the file, else the screen; and the dump.
 *
 * Read apart from the other options: everything that is wrong is said at once, whatever it is.
 */
export function askedBy({ given, file }: Sources): Asked[] {
  const to = alone(listenOptions.pick({ to: true }), given)
  const named = to.read?.to ?? []
  const targets = named.length > 0 ? named : [...(file?.exporters.keys() ?? [])]
  const shown = targets.length === 0
  const chosen = alone(listenOptions.pick({ format: true }), given).read?.format
  const rendering = alone(renderingOptions, given).read ?? {}
  const format = chosen ?? (shown ? 'pretty' : 'json')
  // A file that could not be read may have named others: nothing is guessed.
  const all = shown && file?.complete !== false ? ['stdout'] : targets
  const asked: Asked[] = all.map((target) => ({ to: target, format, rendering, flag: to.name }))
  const dump = alone(listenOptions.pick({ dump: true }), given)
  if (dump.read?.dump === undefined) return asked
  const url = pathToFileURL(resolve(dump.read.dump)).href
  return [...asked, { to: url, format: 'febe', flag: dump.name, name: 'dump' }]
}

/** Options by themselves, and what messages call the first. */
function alone<S extends z.ZodObject>(
  schema: S,
  given: Given,
): { read: z.output<S> | undefined; name: string } {
  return { read: readOptions(schema, given, []), name: resolveOptions(schema, given)[0]!.name }
}
