import { readFileSync, statSync } from 'node:fs'
import { parse, TomlError } from 'smol-toml'
import { keyLines, type LineOf } from './key-lines.ts'

/** Longest configuration file that is read: a longer one is another file, given by mistake. */
const MOST_BYTES = 1024 * 1024

/** A TOML file, parsed; whole numbers are bigints, which tells them from others. */
export interface TomlDocument {
  /** As it was given. */
  readonly path: string
  readonly root: Readonly<Record<string, unknown>>
  readonly lineOf: LineOf
}

/** Reads a TOML file. What is wrong is added to `problems`; none of them repeats what the file holds, which may be a secret. */
export function readToml(path: string, problems: string[]): TomlDocument | undefined {
  const text = readText(path, problems)
  if (text === undefined) return undefined
  try {
    return { path, root: parse(text, { integersAsBigInt: true }), lineOf: keyLines(text) }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    problems.push(`${path}:${error.line}:${error.column}: ${reasonOf(error)}`)
    return undefined
  }
}

function readText(path: string, problems: string[]): string | undefined {
  try {
    const status = statSync(path)
    if (status.isDirectory()) problems.push(`${path}: this is a folder; expected a configuration file`)
    else if (status.size > MOST_BYTES) problems.push(`${path}: the file is longer than ${MOST_BYTES} bytes`)
    else return readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    problems.push(
      code === 'ENOENT' ? `${path}: there is no such file` : `${path}: cannot be read: ${message}`,
    )
  }
  return undefined
}

/** What to add to the parser's reason, where that alone does not say what to do. */
const ADVICE: Readonly<Record<string, string>> = {
  'invalid value': 'a text needs quotes',
  'illegal leading zero': 'permission bits need quotes, as in "0660"',
}

/** The parser's reason. Its first line alone: the others repeat the text. */
function reasonOf(error: TomlError): string {
  const reason = error.message.split('\n')[0]!.replace('Invalid TOML document: ', '')
  const advice = ADVICE[reason]
  return advice === undefined ? reason : `${reason}; ${advice}`
}
