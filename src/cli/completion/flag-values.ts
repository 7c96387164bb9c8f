import type { CommandPage, ValueKind } from '../command-tree.ts'

/** What a shell's completions are made of. */
export interface CompletionFacts {
  readonly pages: readonly CommandPage[]
  /** What `--to` takes: names, and beginnings of URLs. */
  readonly destinations: readonly string[]
}

/** Options that take a value, together with all others whose values are completed in the same way. */
export interface ValueGroup {
  readonly kind: ValueKind
  /** `journal cat --format`. */
  readonly places: readonly string[]
}

/** Groups the options of all commands by how their values are completed. */
export function valueGroups(pages: readonly CommandPage[]): ValueGroup[] {
  const groups = new Map<string, { kind: ValueKind; places: string[] }>()
  for (const { words, flags } of pages) {
    for (const { long, value, kind } of flags) {
      if (value === undefined) continue
      const key = JSON.stringify(kind)
      const group = groups.get(key) ?? { kind, places: [] }
      groups.set(key, group)
      group.places.push([...words, long].join(' '))
    }
  }
  return [...groups.values()]
}

/** All words by which a command's options go. */
export const flagWords = ({ flags }: CommandPage): string[] =>
  flags.flatMap(({ short, long }) => (short === undefined || short === long ? [long] : [long, short]))

/** The names of exporters in the configuration file that is read by default, one a line: for bash and zsh. */
export const EXPORTER_NAMES = `_pgturret_configured() {
  local file
  for file in "$PGTURRET_CONFIG" "\${XDG_CONFIG_HOME:-$HOME/.config}/pgturret/pgturret.toml" /etc/pgturret/pgturret.toml; do
    [ -r "$file" ] || continue
    sed -n 's/^[[:space:]]*\\[exporters\\.\\([a-z0-9_-]*\\)\\].*/\\1/p' "$file"
    return
  done
}`

/** A text as a word of a shell, in single quotes. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
