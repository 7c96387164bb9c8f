import { KEY_NAMES } from './record-keys.ts'

/** A part of a template: text as it stands, or the value of a key. */
export type TemplatePart = { readonly literal: string } | { readonly key: string; readonly json: boolean }

const PART = /\{\{|\}\}|\\(?<escape>.)|\{(?<key>[^{}]*)\}|(?<stray>[{}\\])/gs

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', e: '\x1b', '\\': '\\' }

/** Why a template cannot be read. */
export class TemplateError extends Error {
  /** The key that there is not, where that is the reason. */
  readonly key: string | undefined

  constructor(message: string, key?: string) {
    super(message)
    this.key = key
  }
}

/**
 * Reads a template: `{key}` and `{key:json}`; `{{` and `}}` are braces; `\n`, `\t`, `\e` and `\\` what they are in C.
 *
 * @throws TemplateError with a sentence about the first thing that cannot be understood
 */
export function parseTemplate(template: string): TemplatePart[] {
  const parts: TemplatePart[] = []
  let literal = ''
  let at = 0
  for (const found of template.matchAll(PART)) {
    literal += template.slice(at, found.index)
    at = found.index + found[0].length
    const key = found.groups?.['key']
    if (key === undefined) {
      literal += literalOf(found)
      continue
    }
    if (literal !== '') parts.push({ literal })
    literal = ''
    parts.push(keyOf(key))
  }
  literal += template.slice(at)
  if (literal !== '') parts.push({ literal })
  return parts
}

function literalOf({ 0: words, groups }: RegExpExecArray): string {
  if (groups?.['stray'] !== undefined) {
    throw new TemplateError(
      words === '\\'
        ? 'it ends in a single \\; write \\\\ for one'
        : `a ${words} stands alone; write ${words}${words} for one`,
    )
  }
  const letter = groups?.['escape']
  if (letter === undefined) return words[0]!
  if (!Object.hasOwn(ESCAPES, letter))
    throw new TemplateError(`"\\${letter}" means nothing; there are \\n \\t \\e \\\\`)
  return ESCAPES[letter]!
}

function keyOf(text: string): TemplatePart {
  const colon = text.indexOf(':')
  const key = colon < 0 ? text : text.slice(0, colon)
  if (!KEY_NAMES.includes(key)) throw new TemplateError(`there is no key "${key}"`, key)
  if (colon >= 0 && text.slice(colon) !== ':json')
    throw new TemplateError(`"{${text}}" means nothing; there are {${key}} and {${key}:json}`)
  return { key, json: colon >= 0 }
}
