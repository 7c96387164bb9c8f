import type { Log } from '../log.ts'

/** A command's surroundings, so that it can be run in a test as well as from a shell. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
  readonly stdoutIsTerminal: boolean
  /** Columns of the terminal that stderr is at this moment; undefined when it is none. */
  readonly stderrColumns?: () => number | undefined
  /** Plain text on stdout, for what is not a record. */
  readonly print: (text: string) => void
  /** Plain text on stderr, for what a person has to change. */
  readonly complain: (text: string) => void
  /** Calls back on each of these signals, in place of what they would do. */
  readonly onSignal: (signals: readonly NodeJS.Signals[], callback: (signal: NodeJS.Signals) => void) => void
  /** Ends the process at once; for a second signal only. */
  readonly exitNow: (code: number) => never
}
