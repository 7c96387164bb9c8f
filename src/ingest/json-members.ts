import { InputError } from '../errors.ts'

/** Keys of 64-bit numbers, and where each stands in a text: what is past a double is read from there. */
const LARGE: ReadonlyMap<string, RegExp> = new Map(
  // Inside of a text every quote has a backslash, so this can only be the key itself.
  ['txid', 'line_num', 'query_id', 'seq', 'original_bytes'].map((key) => [
    key,
    new RegExp(`"${key}"\\s*:\\s*(-?\\d+)(?![\\d.eE])`),
  ]),
)

/** A value that is not what its key stands for, or no JSON at all. */
export const malformed = (message: string): InputError => new InputError('malformed_record', message, 0)

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** The members of one JSON object after the other, by their kind. */
export class JsonMembers {
  #text = ''
  #members: Readonly<Record<string, unknown>> = {}

  /** @throws InputError when it is no JSON object */
  read(bytes: Uint8Array): void {
    this.#text = utf8.decode(bytes)
    let members: unknown
    try {
      members = JSON.parse(this.#text)
    } catch (error) {
      throw malformed(`it is no JSON: ${(error as Error).message}`)
    }
    if (typeof members !== 'object' || members === null || Array.isArray(members))
      throw malformed('it is no JSON object')
    this.#members = members as Readonly<Record<string, unknown>>
  }

  has(key: string): boolean {
    return this.#members[key] !== undefined
  }

  isTrue(key: string): boolean {
    return this.#members[key] === true
  }

  /** A text; null when absent. */
  text(key: string): string | null {
    const value = this.#members[key]
    if (value === undefined) return null
    // Texts of the protocol end with a NUL, and cannot hold one.
    if (typeof value !== 'string' || value.includes('\0')) throw malformed(`"${key}" is no text`)
    return value
  }

  /** A text that every record has. */
  required(key: string): string {
    const value = this.text(key)
    if (value === null) throw new InputError('unexpected_frame', `it has no "${key}"`, 0)
    return value
  }

  int32(key: string, absent: number): number {
    const value = this.#members[key]
    if (value === undefined) return absent
    if (typeof value !== 'number' || (value | 0) !== value) throw malformed(`"${key}" is no int32`)
    return value
  }

  /** An int64, every digit of it; 0 when absent. */
  int64(key: string): bigint {
    const value = this.#members[key]
    if (value === undefined) return 0n
    if (Number.isSafeInteger(value)) return BigInt(value as number)
    const digits = typeof value === 'number' ? LARGE.get(key)?.exec(this.#text)?.[1] : undefined
    if (digits !== undefined && digits.length <= 20) {
      const number = BigInt(digits)
      if (BigInt.asIntN(64, number) === number) return number
    }
    throw malformed(`"${key}" is no int64`)
  }
}
