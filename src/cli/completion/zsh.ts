import { brief, type CommandPage, type Flag, type Operand, type ValueKind } from '../command-tree.ts'
import { type CompletionFacts, EXPORTER_NAMES, quoted } from './flag-values.ts'

/** The completion script of zsh. */
export const zshCompletion = ({ pages, destinations }: CompletionFacts): string => `#compdef pgturret
#
# zsh completion of pgturret: a file "_pgturret" in a folder of $fpath, or
#
#   source <(pgturret completion zsh)

${EXPORTER_NAMES}

_pgturret_exporter_names() {
  compadd -- \${(f)"$(_pgturret_configured)"}
}

_pgturret_destinations() {
  compadd -- ${bare(destinations)} \${(f)"$(_pgturret_configured)"}
  # What follows a URL's beginning is the rest of the URL.
  compadd -S '' -- ${urls(destinations)}
}

${pages.map((page) => functionOf(page, pages)).join('\n')}
if [[ $funcstack[1] == _pgturret ]]; then
  _pgturret "$@"
else
  compdef _pgturret pgturret
fi
`

const isUrl = (destination: string): boolean => destination.endsWith('://')
const bare = (all: readonly string[]): string => all.filter((one) => !isUrl(one)).join(' ')
const urls = (all: readonly string[]): string => all.filter(isUrl).join(' ')

/** Two underscores: with one, the functions above could be meant. */
const nameOf = (words: readonly string[]): string => ['_pgturret', ...words].join('__')

function functionOf(page: CommandPage, pages: readonly CommandPage[]): string {
  const specs = [...page.flags.flatMap(flagSpecs), ...page.operands.map(operandSpec)]
  return page.children.length > 0 ? groupFunction(page, pages, specs) : leafFunction(page, specs)
}

const leafFunction = ({ words }: CommandPage, specs: readonly string[]): string => `${nameOf(words)}() {
  _arguments ${specs.map((spec) => `\\\n    ${quoted(spec)}`).join(' ')}
}
`

function groupFunction(page: CommandPage, pages: readonly CommandPage[], specs: readonly string[]): string {
  const children = page.children.map((name) => [...page.words, name])
  const described = children.map((words) => {
    const child = pages.find((one) => one.words.join(' ') === words.join(' '))!
    return `    ${quoted(`${words.at(-1)}:${brief(child.summary).replaceAll(':', '\\:')}`)}\n`
  })
  return `${nameOf(page.words)}() {
  local state line curcontext=$curcontext
  local -a commands=(
${described.join('')}  )
  _arguments -C ${specs.map((spec) => `\\\n    ${quoted(spec)}`).join(' ')} \\
    '1: :->command' '*:: :->rest'
  case $state in
    command) _describe -t commands command commands ;;
    rest)
      case $line[1] in
${children.map((words) => `        ${words.at(-1)}) ${nameOf(words)} ;;\n`).join('')}      esac
      ;;
  esac
}
`
}

/** `*--to=[where records go]:DEST:_pgturret_destinations`. */
function flagSpecs({ long, short, value, kind, repeatable, description }: Flag): string[] {
  const text = `[${brief(description).replace(/[[\]\\]/g, '\\$&')}]`
  const action = value === undefined ? '' : `:${escaped(value)}:${actionOf(kind)}`
  const names = short === undefined || short === long ? [long] : [short, long]
  const assign = value === undefined ? '' : '='
  return names.map((name) => `${repeatable ? '*' : ''}${name}${assign}${text}${action}`)
}

const operandSpec = ({ name, kind, many }: Operand): string =>
  `${many ? '*' : '1'}:${escaped(name)}:${actionOf(kind)}`

const escaped = (text: string): string => text.replace(/[:\\]/g, '\\$&')

function actionOf(kind: ValueKind): string {
  switch (kind.is) {
    case 'words':
      return `(${kind.words.map(escaped).join(' ')})`
    case 'file':
      return '_files'
    case 'folder':
      return '_files -/'
    case 'group':
      return '_groups'
    case 'destination':
      return '_pgturret_destinations'
    case 'exporter':
      return '_pgturret_exporter_names'
    default:
      // A message and no match.
      return ' '
  }
}
