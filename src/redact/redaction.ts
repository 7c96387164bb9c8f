/** What `--redact` takes. */
export const REDACTIONS = ['literals', 'statements', 'parameters'] as const

/** A kind of redaction. */
export type RedactionKind = (typeof REDACTIONS)[number]

/** What is left out of records. */
export interface Redaction {
  /** Strings and numbers in statements, and values in messages, details, hints and contexts. */
  readonly literals: boolean
  /** The text of statements, but for the command. */
  readonly statements: boolean
  /** Values of bound parameters. */
  readonly parameters: boolean
  /** Passwords. */
  readonly passwords: boolean
}

/** Whether records stay as they are. */
export const isNone = (redaction: Redaction): boolean => redactionName(redaction) === ''

/** Whether nothing but passwords is left out. */
export const isOnlyPasswords = (redaction: Redaction): boolean => redactionName(redaction) === ' -passwords'

/** A name that is the same exactly when the bytes are: ` literals passwords`; empty when nothing is left out. */
export const redactionName = (redaction: Redaction): string =>
  [...REDACTIONS, 'passwords' as const]
    .filter((kind) => redaction[kind])
    .map((kind) => ` -${kind}`)
    .join('')
