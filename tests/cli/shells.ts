import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Real shells, asked what they would offer behind what was typed. */

/** A shell with the completion script of pgturret. */
export interface Shell {
  readonly name: 'bash' | 'zsh' | 'fish'
  /** What the shell offers for each line, the cursor at its end; in the order of the lines. */
  offers(lines: readonly string[]): Promise<string[][]>
}

/**
 * Starts nothing yet.
 *
 * @param script what `pgturret completion` printed
 * @param folder where files are completed from; has room for files of ours
 * @param env in place of this process's own
 */
export function shell(
  name: Shell['name'],
  script: string,
  folder: string,
  env: Record<string, string>,
): Shell {
  const own = join(folder, `.${name}`)
  mkdirSync(own, { recursive: true })
  const file = join(own, 'completion')
  writeFileSync(file, script)
  const home = { PATH: process.env['PATH'] ?? '', HOME: own, TERM: 'dumb', LC_ALL: 'C.UTF-8', ...env }
  const run = async (words: readonly string[]) => {
    const child = Bun.spawn([...words], {
      cwd: folder,
      env: home,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    if (stderr !== '') throw new Error(`${name}: ${stderr}`)
    return stdout
  }
  const driver = join(own, 'driver')
  writeFileSync(driver, DRIVERS[name])
  return {
    name,
    offers: async (lines) => {
      const stdout = await run([name, ...FLAGS[name], driver, file, join(own, 'offers'), ...lines])
      // Each answer ends with a line of its own.
      const answers = stdout.split('=end=\n')
      if (answers.length !== lines.length + 1) throw new Error(`${name} said ${stdout}`)
      return answers
        .slice(0, -1)
        .map((answer) => [...new Set(answer.split('\n').filter((one) => one !== ''))].sort())
    },
  }
}

const FLAGS = { bash: ['--norc', '--noprofile'], zsh: ['-f'], fish: ['--no-config'] } as const

/** What readline does: words are cut at spaces, `=` and `:`. */
const BASH = `
source "$1"
shift 2
for line; do
  COMP_LINE=$line COMP_POINT=\${#line} COMP_WORDS=()
  rest=$line
  while [[ $rest =~ ^([^ =:]+|[=:])(.*)$ || $rest =~ ^( +)(.*)$ ]]; do
    word=\${BASH_REMATCH[1]} rest=\${BASH_REMATCH[2]}
    [[ $word == ' '* ]] || COMP_WORDS+=("$word")
  done
  [[ $line == *' ' ]] && COMP_WORDS+=('')
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
  _pgturret pgturret "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}"
  printf '%s\\n' "\${COMPREPLY[@]}" =end=
done
`

const FISH = `
source $argv[1]
for line in $argv[3..]
    complete -C $line | string replace -r '\\t.*' ''
    echo =end=
end
`

/** A shell on a terminal of its own, whose Tab writes every match to a file. */
const ZSH = `
zmodload zsh/zpty
script=$1 out=$2
shift 2
zpty -b inner zsh -f -i
zpty -w inner "PS1=; unsetopt beep; script=$script out=$out; autoload -Uz compinit; compinit -u -D; source $script"
zpty -w inner 'compadd() {
  if [[ " $* " != *" -"[OAD]" "* ]]; then
    local -a hits; builtin compadd -O hits "$@"; (( $#hits )) && print -rl -- $hits >> $out
  fi
  builtin compadd "$@"
}
offer() { : > $out; _main_complete; print "=""end=" >> $out; compstate[insert]=; compstate[list]=; mv $out $out.done }
zle -C offer complete-word offer
bindkey "^I" offer
print RE""ADY'
zpty -r -m inner text '*READY*' || exit 1
for line; do
  zpty -n -w inner "$line"$'\\t'
  for i in {1..2000}; do
    [[ -e $out.done ]] && break
    zpty -r -t inner text
    zselect -t 1 2>/dev/null || sleep 0.01
  done
  cat $out.done
  rm -f $out.done
  zpty -n -w inner $'\\C-u'
done
zpty -d inner
`

const DRIVERS = { bash: BASH, zsh: ZSH, fish: FISH } as const
