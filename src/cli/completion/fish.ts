import { brief, type CommandPage, type Flag, type ValueKind } from '../command-tree.ts'
import type { CompletionFacts } from './flag-values.ts'

/** The completion script of fish. */
export const fishCompletion = ({
  pages,
  destinations,
}: CompletionFacts): string => `# fish completion of pgturret
#
#   pgturret completion fish > ~/.config/fish/completions/pgturret.fish

# The names of exporters in the configuration file that is read by default.
function __pgturret_configured
    set -q XDG_CONFIG_HOME; and set -l own $XDG_CONFIG_HOME; or set -l own ~/.config
    for file in "$PGTURRET_CONFIG" $own/pgturret/pgturret.toml /etc/pgturret/pgturret.toml
        test -r "$file"; or continue
        sed -n 's/^[[:space:]]*\\[exporters\\.\\([a-z0-9_-]*\\)\\].*/\\1/p' $file
        return
    end
end

function __pgturret_destinations
    __pgturret_configured
    printf '%s\\n' ${destinations.join(' ')}
end

# Whether these are the first words behind the program's name.
function __pgturret_at
    set -l words (commandline -opc)
    test (count $words) -gt (count $argv); or return 1
    test "$words[2..]" = "$argv"; or test "$words[2..$(math (count $argv) + 1)]" = "$argv"
end

# The same, and whether no others follow.
function __pgturret_only
    set -l words (commandline -opc)
    test (count $words) -eq (math (count $argv) + 1); and test "$words[2..]" = "$argv"
end

complete -c pgturret -f
${pages.flatMap((page) => linesOf(page, pages)).join('\n')}
`

function linesOf(page: CommandPage, pages: readonly CommandPage[]): string[] {
  const path = page.words.join(' ')
  const at = page.words.length === 0 ? '__pgturret_only' : `__pgturret_at ${path}`
  const line = (condition: string, rest: string) => `complete -c pgturret -n ${quoted(condition)} ${rest}`
  const children = page.children.map((name) => {
    const words = [...page.words, name].join(' ')
    const { summary } = pages.find((one) => one.words.join(' ') === words)!
    return line(`__pgturret_only ${path}`.trimEnd(), `-a ${name} -d ${quoted(brief(summary))}`)
  })
  const operands = page.operands.slice(0, 1).map(({ kind }) => line(at, offer(kind)))
  return [...children, ...operands, ...page.flags.map((flag) => line(at, flagWords(flag)))]
}

function flagWords({ long, short, value, kind, description }: Flag): string {
  const names = [...(short === undefined ? [] : [`-s ${short.slice(1)}`]), `-l ${long.slice(2)}`]
  const values = value === undefined ? [] : ['-r', offer(kind)]
  return [...names, ...values, `-d ${quoted(brief(description))}`].join(' ')
}

/** What to offer for a value of a kind. */
function offer(kind: ValueKind): string {
  switch (kind.is) {
    case 'words':
      return `-f -a ${quoted(kind.words.join(' '))}`
    case 'file':
      return '-F'
    case 'folder':
      return "-f -a '(__fish_complete_directories)'"
    case 'group':
      return "-f -a '(__fish_complete_groups)'"
    case 'destination':
      return "-f -a '(__pgturret_destinations)'"
    case 'exporter':
      return "-f -a '(__pgturret_configured)'"
    default:
      return '-f'
  }
}

/** A text as fish quotes it. */
const quoted = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`
