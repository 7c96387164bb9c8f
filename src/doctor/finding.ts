/** How one thing stands: `warn` is worth a look, `broken` is why records do not arrive, or will not. */
export type State = 'ok' | 'warn' | 'broken'

/** What was found out about one thing. */
export interface Finding {
  readonly state: State
  /** A sentence without its full stop. */
  readonly said: string
  /** What to do: as a rule a command. */
  readonly advice?: string | undefined
}

export const ok = (said: string): Finding => ({ state: 'ok', said })
export const warn = (said: string, advice?: string): Finding => ({ state: 'warn', said, advice })
export const broken = (said: string, advice?: string): Finding => ({ state: 'broken', said, advice })

/** What cannot be looked at by this user, and who could. */
export const unseen = (what: string): Finding =>
  warn(`could not see ${what} as this user`, 'sudo pgturret doctor')

/** Whether an error says that this user may not look. */
export const isForbidden = (error: unknown): boolean =>
  ['EACCES', 'EPERM'].includes((error as { code?: string } | undefined)?.code ?? '')

/** A path as a shell takes it. */
export const shellWord = (path: string): string =>
  /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
