import type { Argument, Command, Option } from 'commander'
import type { OptionSpec } from '../config/options.ts'
import { specOf } from './command-options.ts'

/** The commands as they are declared, for what is made of them beside help: completions, the man page. */

/** What a value or an operand is, as far as a shell can offer something for it. */
export type ValueKind =
  | { readonly is: 'file' | 'folder' | 'group' | 'destination' | 'exporter' | 'anything' }
  | { readonly is: 'words'; readonly words: readonly string[] }

/** One option of a command. */
export interface Flag {
  /** `--socket-mode`. */
  readonly long: string
  /** `-h`. */
  readonly short: string | undefined
  /** What stands for the value in help; undefined for a switch. */
  readonly value: string | undefined
  readonly kind: ValueKind
  readonly repeatable: boolean
  /** What help says, with default and variable. */
  readonly description: string
  /** Heading in help. */
  readonly group: string | undefined
  /** Its declaration; none for --help and --version. */
  readonly spec: OptionSpec | undefined
}

/** One operand of a command. */
export interface Operand {
  readonly name: string
  readonly description: string
  readonly kind: ValueKind
  readonly many: boolean
}

/** One command, or a group of commands. */
export interface CommandPage {
  /** `['journal', 'ls']`; empty for the program itself. */
  readonly words: readonly string[]
  /** `[options] <dump...>`. */
  readonly usage: string
  /** A few words. */
  readonly summary: string
  readonly description: string
  readonly operands: readonly Operand[]
  readonly flags: readonly Flag[]
  /** Names of its own commands, in order. */
  readonly children: readonly string[]
  /** What help says behind the options: examples, exit status. */
  readonly after: string
}

/** Every command of a program, each before those below it; the program itself is the first. */
export const commandPages = (command: Command, words: readonly string[] = []): CommandPage[] => [
  pageOf(command, words),
  ...command.commands.flatMap((child) => commandPages(child, [...words, child.name()])),
]

function pageOf(command: Command, words: readonly string[]): CommandPage {
  return {
    words,
    usage: command.usage(),
    summary: command.summary() || command.description(),
    description: command.description(),
    operands: command.registeredArguments.map(operandOf),
    flags: command.createHelp().visibleOptions(command).map(flagOf),
    children: command.commands.map((child) => child.name()),
    after: afterHelp(command),
  }
}

/** The text that was added behind the help; commander gives it to who listens alone. */
function afterHelp(command: Command): string {
  let text = ''
  const write = (part: string) => {
    text += part
  }
  // Commander's types leave out that a command is an emitter of events.
  ;(command as unknown as NodeJS.EventEmitter).emit('afterHelp', { error: false, command, write })
  return text.trim()
}

function flagOf(option: Option): Flag {
  const spec = specOf(option)
  return {
    long: option.long ?? option.short!,
    short: option.short,
    value: spec?.value,
    kind: spec === undefined ? { is: 'anything' } : kindOf(spec),
    repeatable: spec?.repeatable ?? false,
    description: option.description,
    group: option.helpGroupHeading,
    spec,
  }
}

/** By what stands for a value in help. */
const KINDS: Readonly<Record<string, Exclude<ValueKind['is'], 'words'>>> = {
  FILE: 'file',
  PATH: 'file',
  DIR: 'folder',
  FOLDER: 'folder',
  GROUP: 'group',
  DEST: 'destination',
}

function kindOf({ meta, value }: OptionSpec): ValueKind {
  const words = meta.json?.['enum']
  if (Array.isArray(words)) return { is: 'words', words }
  return { is: KINDS[value ?? ''] ?? 'anything' }
}

/** By the name of an operand. */
const OPERANDS: Readonly<Record<string, Exclude<ValueKind['is'], 'words'>>> = {
  dump: 'file',
  file: 'file',
  dir: 'folder',
  exporter: 'exporter',
}

function operandOf(argument: Argument): Operand {
  const { argChoices: words, description, variadic: many } = argument
  const name = argument.name()
  const kind: ValueKind = words ? { is: 'words', words } : { is: OPERANDS[name] ?? 'anything' }
  return { name, description, kind, many }
}

/** A description for a place with little room: without what stands in parentheses or behind a semicolon. */
export function brief(description: string): string {
  const first = description.split(/ \(|; /)[0]!
  return first.length <= 76 ? first : `${first.slice(0, first.lastIndexOf(' ', 75))}…`
}
