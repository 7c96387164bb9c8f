/** Text as troff takes it, in the macros of man(7). */

/** What a terminal would not show as it is: troff makes typographic ones of them. */
const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '"': '\\(dq',
}

/** Characters of a text, shown as they are; what is not ASCII by its number. */
export const plain = (text: string): string =>
  text
    .replace(/[\\'`^~"-]/g, (found) => SPECIAL[found]!)
    .replace(
      /[^\x00-\x7f]/gu,
      (found) => `\\[u${found.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`,
    )

/** Columns of a line of the source; what is longer is bad style there. */
const WIDTH = 78

/** A running text, in lines; none begins as a request does. */
export function prose(text: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of plain(text).split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, line].map((one) => `${guarded(one)}\n`).join('')
}

/** A line that begins with a dot is text all the same. */
const guarded = (line: string): string => (line.startsWith('.') ? `\\&${line}` : line)

/** Lines as they are. */
export const verbatim = (lines: readonly string[]): string =>
  `.nf\n${lines.map((line) => (line === '' ? '.sp\n' : `${guarded(plain(line))}\n`)).join('')}.fi\n`

export const bold = (text: string): string => `\\fB${plain(text)}\\fR`
export const italic = (text: string): string => `\\fI${plain(text)}\\fR`

/** A section, and one below it. */
export const section = (title: string, body: string): string => `.SH ${title}\n${body}`
export const subsection = (title: string, body: string): string => `.SS ${plain(title)}\n${body}`

/** A term with what there is to say about it; the term is troff already. */
export const item = (term: string, text: string): string => `.TP\n${term}\n${prose(text)}`

/** A paragraph. */
export const paragraph = (text: string): string => `.PP\n${prose(text)}`
