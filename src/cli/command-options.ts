import { type Command, Option } from 'commander'
import type { z } from 'zod'
import { type Given, type OptionSpec, optionSpecs } from '../config/options.ts'
import { ConfigError } from '../errors.ts'
import { EXPORTERS } from '../exporters/registry.generated.ts'
import { didYouMean } from '../nearest.ts'
import type { CommandContext } from './context.ts'

/** Adds a schema's options to a command, as flags that take any text: their values are judged later, all together. */
export function addOptions(command: Command, schema: z.ZodObject, group = 'Options:', prefix = ''): void {
  for (const spec of optionSpecs(schema, prefix)) {
    command.addOption(toOption(spec).helpGroup(group))
    if (spec.meta.negatable) command.addOption(negationOf(spec).helpGroup(group))
  }
}

/** Adds the options of every exporter, a group each. */
export function addExporterOptions(command: Command): void {
  for (const exporter of EXPORTERS) {
    addOptions(command, exporter.options, `Options of --to ${exporter.name}:`, exporter.name)
  }
}

const SPECS = new WeakMap<Option, OptionSpec>()

/** What an option was made of; undefined for commander's own. */
export const specOf = (option: Option): OptionSpec | undefined => SPECS.get(option)

function toOption(spec: OptionSpec): Option {
  const { short } = spec.meta
  const flags = short === undefined ? spec.flag : `-${short}, ${spec.flag}`
  const option = new Option(spec.value === undefined ? flags : `${flags} <${spec.value}>`)
  SPECS.set(option, spec)
  // To commander `--no-x` is the opposite of `--x`; here it is a switch of its own.
  option.negate = false
  const notes = [
    ...(spec.repeatable ? ['repeatable'] : []),
    ...(spec.default === undefined ? [] : [`default: ${spec.default}`]),
    `env: ${spec.env}`,
  ]
  option.description = `${spec.description} (${notes.join(', ')})`
  if (spec.repeatable) {
    option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text])
  }
  return option
}

const negationOf = ({ flag }: OptionSpec): Option =>
  new Option(flag.replace(/^--/, '--no-'), `the opposite of ${flag}`)

/** What a command line gave: options, and operands such as files. */
export interface CommandLine extends Given {
  readonly operands: readonly string[]
}

/**
 * Reads a command line that was parsed leniently.
 *
 * @param problems gets a sentence for each option that is not known and, unless `operands` are expected, each operand
 */
export function commandLine(
  command: Command,
  context: CommandContext,
  problems: string[],
  operands: boolean,
): CommandLine {
  const rest: string[] = []
  let afterUnknown = false
  for (const word of command.args) {
    const isOption = word.startsWith('-') && word !== '-'
    if (isOption) problems.push(`${word.split('=')[0]}: unknown option${nearest(word, command)}`)
    // What follows an unknown option is likely its value, and may be a secret: it is not repeated.
    else if (!afterUnknown) rest.push(word)
    afterUnknown = isOption && !word.includes('=')
  }
  if (!operands) for (const word of rest) problems.push(`"${word}": unexpected argument`)
  return { flags: command.opts(), env: context.env, operands: rest }
}

/** A known flag that was likely meant. */
const nearest = (word: string, command: Command): string =>
  didYouMean(
    word.split('=')[0]!,
    command.options.map((option) => option.long ?? ''),
  )

/** Throws when there is any problem; what two destinations share is said once, what a file holds in its order. */
export function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return
  const lineOf = (problem: string): number => Number(/^[^:]*:(\d+):/.exec(problem)?.[1] ?? 0)
  throw new ConfigError([...new Set(problems)].sort((a, b) => lineOf(a) - lineOf(b)))
}
