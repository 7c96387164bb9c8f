import { holdsPassword } from './password-scan.ts'
import { type SqlTokens, Token } from './sql-tokens.ts'
import { type SqlPolicy, Verdict, wordAt } from './sql-writer.ts'

const SEMICOLON = 0x3b

/** How far the beginning of a statement has been seen to be that of `ALTER ROLE` and its kind. */
const Role = { Begin: 0, Command: 1, Perhaps: 2, Yes: 3, No: 4 } as const

/**
 * Leaves the passwords of SQL out: every string and comment behind the word `password` in the same statement, every
 * string that holds the word or a URL with a user, and all that follows PASSWORD in `CREATE | ALTER ROLE | USER`: somebody
 * may have forgotten the quotes.
 */
export class PasswordPolicy implements SqlPolicy {
  readonly skipsPlain = false
  /** Whether a name or key word was a password's since `forget`: the values of parameters are secret then, too. */
  named = false
  /** Whether it was that of a role. */
  role = false
  #seen = false
  #role: number = Role.Begin
  /** 0: not behind PASSWORD; 1: what comes next is masked; 2: it was. */
  #tail = 0

  /** Another record begins. */
  forget(): void {
    this.named = false
    this.role = false
  }

  begin(): void {
    this.#seen = false
    this.#role = Role.Begin
    this.#tail = 0
  }

  judge(tokens: SqlTokens, bytes: Uint8Array): number {
    const { kind, start, end, complete } = tokens
    if (kind === Token.Symbol && bytes[start] === SEMICOLON) {
      this.begin()
      return Verdict.Keep
    }
    if (this.#tail > 0) return this.#inTail(kind)
    if (kind === Token.Space || kind === Token.Symbol || kind === Token.Parameter) return Verdict.Keep
    if (kind === Token.Text || kind === Token.Comment) {
      return this.#seen || holdsPassword(bytes, start, end) ? Verdict.Mask : Verdict.Keep
    }
    if (kind === Token.Number) return Verdict.Keep
    if (!holdsPassword(bytes, start, end)) {
      if (kind === Token.Word && this.#role < Role.Yes) this.#follow(wordAt(bytes, start, end))
      return Verdict.Keep
    }
    this.#seen = true
    this.named = true
    if (this.#role >= Role.Perhaps && this.#role !== Role.No && kind === Token.Word) {
      this.role = true
      this.#tail = 1
    }
    return complete ? Verdict.Keep : Verdict.Mask
  }

  #inTail(kind: number): number {
    if (kind === Token.Space && this.#tail === 1) return Verdict.Keep
    if (this.#tail === 2) return Verdict.Drop
    this.#tail = 2
    return Verdict.Mask
  }

  #follow(word: string): void {
    const begins = word === 'create' || word === 'alter'
    if (this.#role === Role.Begin) this.#role = begins ? Role.Command : Role.No
    else if (this.#role === Role.Perhaps) this.#role = word === 'mapping' ? Role.No : Role.Yes
    else this.#role = word === 'role' || word === 'user' || word === 'group' ? Role.Perhaps : Role.No
  }
}
