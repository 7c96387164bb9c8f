/**
 * The part of RE2's syntax whose meaning is the same in JavaScript: enough to tell a plain text from a pattern, and a
 * pattern that may be left to the native engine from one that may not. Whatever is not understood here is left to RE2.
 */

/** A piece of a pattern. */
export type Piece =
  | { readonly kind: 'character'; readonly text: string }
  /** One character of many, as JavaScript writes it. */
  | { readonly kind: 'class'; readonly source: string }
  /** A place: `^`, `$`, `\b`. */
  | { readonly kind: 'place'; readonly source: string }
  | { readonly kind: 'sequence'; readonly pieces: readonly Piece[] }
  | { readonly kind: 'choice'; readonly pieces: readonly Piece[] }
  | { readonly kind: 'repeat'; readonly piece: Piece; readonly least: number; readonly most: number }

/** A pattern that was understood. */
export interface Syntax {
  readonly piece: Piece
  /** `(?i)` stands in front. */
  readonly ignoreCase: boolean
}

const CLASSES: Readonly<Record<string, string>> = { d: '0-9', w: '0-9A-Za-z_', s: '\\t\\n\\f\\r ' }
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f' }
const PUNCTUATION = /^[!-/:-@[-`{-~]$/
const QUANTIFIER = /^(?:([*+?])|\{(\d{1,4})(?:(,)(\d{0,4}))?\})\??/
const CLASS_ITEM = /^(?:\\([dws])|(\\[nrtf!-/:-@[-`{-~]|[^\\[\]])(?:-(\\[nrtf!-/:-@[-`{-~]|[^\\[\]]))?)/u

/** Reads a pattern; undefined where it holds anything that is not understood. */
export function readPattern(source: string): Syntax | undefined {
  const ignoreCase = source.startsWith('(?i)')
  const reader = new PatternReader(ignoreCase ? source.slice(4) : source, ignoreCase)
  const piece = reader.choice(0)
  return piece === undefined || !reader.atEnd ? undefined : { piece, ignoreCase }
}

/** The text that a pattern is, where it is nothing but a text. */
export function plainText({ piece, ignoreCase }: Syntax): string | undefined {
  if (ignoreCase) return undefined
  const pieces = piece.kind === 'sequence' ? piece.pieces : [piece]
  let text = ''
  for (const one of pieces) {
    if (one.kind !== 'character') return undefined
    text += one.text
  }
  return text
}

/** Deeper groups are left to RE2. */
const MOST_DEPTH = 20

class PatternReader {
  readonly #source: string
  readonly #ignoreCase: boolean
  #at = 0

  constructor(source: string, ignoreCase: boolean) {
    this.#source = source
    this.#ignoreCase = ignoreCase
  }

  get atEnd(): boolean {
    return this.#at === this.#source.length
  }

  choice(depth: number): Piece | undefined {
    const pieces: Piece[] = []
    do {
      const piece = this.#sequence(depth)
      if (piece === undefined) return undefined
      pieces.push(piece)
    } while (this.#take('|'))
    return pieces.length === 1 ? pieces[0] : { kind: 'choice', pieces }
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  #sequence(depth: number): Piece | undefined {
    const pieces: Piece[] = []
    while (!this.atEnd && !'|)'.includes(this.#source[this.#at]!)) {
      const piece = this.#repeated(depth)
      if (piece === undefined) return undefined
      pieces.push(piece)
    }
    return pieces.length === 1 ? pieces[0] : { kind: 'sequence', pieces }
  }

  #repeated(depth: number): Piece | undefined {
    const piece = this.#atom(depth)
    if (piece === undefined) return undefined
    const found = QUANTIFIER.exec(this.#source.slice(this.#at, this.#at + 16))
    if (found === null) return this.#source[this.#at] === '{' ? undefined : piece
    this.#at += found[0].length
    const [, sign, first, comma, last] = found
    const least = sign === undefined ? Number(first) : sign === '+' ? 1 : 0
    const open = sign === '*' || sign === '+' || (comma !== undefined && last === '')
    const most = open ? Number.POSITIVE_INFINITY : sign === '?' ? 1 : Number(last ?? first)
    // A place can be repeated in one of the two languages only.
    if (piece.kind === 'place' || '*+?{'.includes(this.#source[this.#at] ?? ' ')) return undefined
    return { kind: 'repeat', piece, least, most }
  }

  #atom(depth: number): Piece | undefined {
    const character = String.fromCodePoint(this.#source.codePointAt(this.#at)!)
    this.#at += character.length
    switch (character) {
      case '(':
        return this.#group(depth)
      case '[':
        return this.#class()
      case '\\':
        return this.#escape()
      case '.':
        return { kind: 'class', source: '[^\\n]' }
      case '^':
      case '$':
        return { kind: 'place', source: character }
      case '*':
      case '+':
      case '?':
      case '{':
      case '}':
      case ']':
        return undefined
      default:
        return this.#character(character)
    }
  }

  /** Letters beyond ASCII have other cases in one of the two languages, now and then. */
  #character(text: string): Piece | undefined {
    return this.#ignoreCase && text > '\x7f' ? undefined : { kind: 'character', text }
  }

  #group(depth: number): Piece | undefined {
    if (!this.#take('?:') && this.#source[this.#at] === '?') return undefined
    const piece = depth < MOST_DEPTH ? this.choice(depth + 1) : undefined
    return piece !== undefined && this.#take(')') ? piece : undefined
  }

  #escape(): Piece | undefined {
    const letter = this.#source[this.#at++] ?? ''
    const members = CLASSES[letter.toLowerCase()]
    if (members !== undefined && !this.#ignoreCase)
      return { kind: 'class', source: CLASSES[letter] === undefined ? `[^${members}]` : `[${members}]` }
    if ((letter === 'b' || letter === 'B') && !this.#ignoreCase)
      return { kind: 'place', source: `\\${letter}` }
    if (PUNCTUATION.test(letter)) return { kind: 'character', text: letter }
    const control = CONTROLS[letter]
    return control === undefined ? undefined : { kind: 'character', text: control }
  }

  #class(): Piece | undefined {
    const negated = this.#take('^')
    let members = ''
    while (!this.#take(']')) {
      const found = CLASS_ITEM.exec(this.#source.slice(this.#at))
      if (found === null) return undefined
      this.#at += found[0].length
      const [, letter, first, last] = found
      const item = letter === undefined ? this.#range(first!, last ?? first!) : CLASSES[letter]
      if (item === undefined || (letter !== undefined && this.#ignoreCase)) return undefined
      members += item
    }
    // What a negated class leaves out differs between the languages where case does not count.
    if (members === '' || (negated && this.#ignoreCase)) return undefined
    return { kind: 'class', source: `[${negated ? '^' : ''}${members}]` }
  }

  #range(first: string, last: string): string | undefined {
    const [from, to] = [first, last].map((one) =>
      one.startsWith('\\') ? (CONTROLS[one[1]!] ?? one[1]!) : one,
    )
    if (from! > to! || (this.#ignoreCase && to! > '\x7f')) return undefined
    return `${codePoint(from!)}-${codePoint(to!)}`
  }
}

/** A character as a pattern of JavaScript's can hold it anywhere. */
export const codePoint = (text: string): string => `\\u{${text.codePointAt(0)!.toString(16)}}`
