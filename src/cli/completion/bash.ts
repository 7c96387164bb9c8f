import type { CommandPage, ValueKind } from '../command-tree.ts'
import { type CompletionFacts, EXPORTER_NAMES, flagWords, quoted, valueGroups } from './flag-values.ts'

/** The completion script of bash, from 3.2 on. */
export const bashCompletion = ({
  pages,
  destinations,
}: CompletionFacts): string => `# bash completion of pgturret
#
#   pgturret completion bash > /etc/bash_completion.d/pgturret
#   source <(pgturret completion bash)

${EXPORTER_NAMES}

# Offers those of the given words that begin as the one that is being written.
_pgturret_words() {
  local word
  for word in $1; do
    [[ $word == "$cur"* ]] && COMPREPLY+=("$word")
  done
}

# Offers what compgen finds: names of files, which may hold spaces.
_pgturret_names() {
  local name
  compopt -o filenames 2>/dev/null
  while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen "$1" -- "$cur")
}

_pgturret_destinations() {
  _pgturret_words "$(_pgturret_configured) ${destinations.join(' ')}"
  # What follows a URL's beginning is the rest of the URL.
  [[ \${COMPREPLY[0]} == *:// ]] && compopt -o nospace 2>/dev/null
}

_pgturret() {
  local cur=\${COMP_WORDS[COMP_CWORD]} flag=\${COMP_WORDS[COMP_CWORD - 1]} path='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in
      ${patterns(pages.slice(1).map(({ words }) => words.join(' ')))}) path="$path \${COMP_WORDS[i]}" ;;
      *) break ;;
    esac
  done
  # --flag=value comes as three words, and so does a URL.
  if [[ $cur == = ]]; then
    cur=''
  elif [[ $flag == = ]]; then
    flag=\${COMP_WORDS[COMP_CWORD - 2]}
  elif [[ $cur == : || $flag == : ]]; then
    return
  fi
  case "$path $flag" in
${valueGroups(pages)
  .map(({ kind, places }) => `    ${patterns(places)})${offer(kind)} return ;;\n`)
  .join('')}  esac
  if [[ $cur == -* ]]; then
    case "$path" in
${pages.map((page) => `      ${atPath(page)}) _pgturret_words '${flagWords(page).join(' ')}' ;;\n`).join('')}    esac
    return
  fi
  case "$path" in
${pages.flatMap(operandLine).join('')}  esac
}

complete -F _pgturret pgturret
`

/** Alternatives of a \`case\`; the path of a command begins with a space. */
const patterns = (places: readonly string[]): string => places.map((place) => quoted(` ${place}`)).join(' | ')

const atPath = ({ words }: CommandPage): string => quoted(words.map((word) => ` ${word}`).join(''))

function operandLine(page: CommandPage): string[] {
  const [operand] = page.operands
  const offered =
    page.children.length > 0 ? ` _pgturret_words '${page.children.join(' ')}' ;` : offer(operand?.kind)
  return offered === '' ? [] : [`    ${atPath(page)})${offered};\n`]
}

/** The command that offers values of a kind; empty where there is nothing to offer. */
function offer(kind: ValueKind | undefined): string {
  switch (kind?.is) {
    case 'words':
      return ` _pgturret_words '${kind.words.join(' ')}' ;`
    case 'file':
      return ' _pgturret_names -f ;'
    case 'folder':
      return ' _pgturret_names -d ;'
    case 'group':
      return ' _pgturret_names -g ;'
    case 'destination':
      return ' _pgturret_destinations ;'
    case 'exporter':
      return ' _pgturret_words "$(_pgturret_configured)" ;'
    default:
      return ''
  }
}
