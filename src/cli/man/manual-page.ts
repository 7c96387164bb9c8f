import type { CommandPage, Flag } from '../command-tree.ts'
import { ENVIRONMENT, EXIT_STATUS, FILES } from './facts.ts'
import { bold, italic, item, paragraph, plain, prose, section, subsection, verbatim } from './roff.ts'

/** The manual page pgturret(1), for troff: every command and every option, as they are declared. */
export function manualPage(pages: readonly CommandPage[], version: string): string {
  const [program, ...commands] = pages as readonly [CommandPage, ...CommandPage[]]
  const leaves = commands.filter(({ children }) => children.length === 0)
  return [
    '.\\" Printed by "pgturret man".\n',
    `.TH PGTURRET 1 "" ${plain(`pgturret-${version}`)} "pgturret manual"\n`,
    section('NAME', `pgturret \\- ${plain(sentence(program.description))}\n`),
    section('SYNOPSIS', leaves.map(synopsis).join('.br\n')),
    section('DESCRIPTION', prose(program.description) + remarks(program.after)),
    section('COMMANDS', commands.map(overview).join('')),
    section('OPTIONS', program.flags.map(option).join('') + leaves.map(commandSection).join('')),
    section('DESTINATIONS', destinations(leaves)),
    section('EXAMPLES', verbatim(leaves.flatMap(({ after }) => examplesOf(after)))),
    section('ENVIRONMENT', environment(leaves)),
    section('FILES', FILES.map(([name, text]) => item(italic(name), text)).join('')),
    section('EXIT STATUS', EXIT_STATUS.map(([code, text]) => item(bold(String(code)), text)).join('')),
    section('SEE ALSO', '.BR postgres (1),\n.BR psql (1),\n.BR systemctl (1),\n.BR journalctl (1)\n'),
  ].join('')
}

/** The description as a name line has it: without its full stop. */
const sentence = (text: string): string => text.replace(/\.$/, '')

const fullName = ({ words }: CommandPage): string => ['pgturret', ...words].join(' ')

const synopsis = (page: CommandPage): string => `${bold(fullName(page))} ${plain(page.usage)}\n`

const overview = (page: CommandPage): string => item(bold(fullName(page)), page.description)

/** Options of a destination stand in the section of destinations. */
const isDestinations = ({ group }: Flag): boolean => group?.startsWith('Options of --to') ?? false

function commandSection(page: CommandPage): string {
  const own = page.flags.filter((flag) => !isDestinations(flag))
  const operands = page.operands.map(({ name, description }) => item(italic(name), description))
  const more = page.flags.some(isDestinations) ? [paragraph('And the options of DESTINATIONS, below.')] : []
  const body = [prose(page.description), ...operands, ...own.map(option), ...more, remarks(page.after)]
  return subsection(fullName(page), body.join(''))
}

function option({ long, short, value, description }: Flag): string {
  const names = (short === undefined || short === long ? [long] : [short, long]).map(bold).join(', ')
  return item(value === undefined ? names : `${names} ${italic(value)}`, description)
}

/** Each destination's options once, however many commands take them. */
function destinations(leaves: readonly CommandPage[]): string {
  const flags = new Map(
    leaves.flatMap((page) => page.flags.filter(isDestinations)).map((flag) => [flag.long, flag]),
  )
  const groups = Map.groupBy(flags.values(), ({ group }) => group!.replace(/:$/, ''))
  return [...groups].map(([title, members]) => subsection(title, members.map(option).join(''))).join('')
}

/** Paragraphs of a help text; a line that is indented stays a line. */
const paragraphsOf = (text: string): string[][] => text.split(/\n{2,}/).map((block) => block.split('\n'))

const isExamples = ([first]: readonly string[]): boolean => first === 'Examples:'

/** What help says behind the options, but for the examples, which have a section of their own. */
const remarks = (after: string): string =>
  paragraphsOf(after)
    .filter((lines) => !isExamples(lines) && lines[0] !== '')
    .map((lines) =>
      lines.some((line) => line.startsWith('  ')) ? `.PP\n${verbatim(lines)}` : paragraph(lines.join(' ')),
    )
    .join('')

const examplesOf = (after: string): string[] =>
  paragraphsOf(after)
    .filter(isExamples)
    .flatMap((lines) => lines.slice(1))

/** Every variable once, with the options that it stands for. */
function environment(leaves: readonly CommandPage[]): string {
  const flags = leaves.flatMap((page) => page.flags).filter(({ spec }) => spec !== undefined)
  const names = [...new Map(flags.map(({ spec, long }) => [spec!.env, long]))]
  const ours = names.map(([env, long]) => item(bold(env), `The same as ${long}.`))
  return [...ENVIRONMENT.map(([name, text]) => item(bold(name), text)), ...ours].join('')
}
