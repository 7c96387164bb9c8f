import { readFileSync } from 'node:fs'

/** A value that must never be shown: it prints as `[redacted]` wherever it could be, and gives itself up only when asked. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[redacted]'
  }

  toJSON(): string {
    return '[redacted]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[redacted]'
  }
}

/**
 * Reads a secret: `env:NAME`, `file:/path` (a line end at its end is not part of it), or the value itself.
 *
 * @throws a sentence that names the variable or the file, never the value
 */
export function resolveSecret(text: string, env: Readonly<Record<string, string | undefined>>): Secret {
  if (text.startsWith('env:')) {
    const name = text.slice(4)
    const value = env[name]
    if (value === undefined || value === '') throw new Error(`environment variable "${name}" is not set`)
    return new Secret(value)
  }
  if (text === '') throw new Error('expected a secret that is not empty')
  if (!text.startsWith('file:')) return new Secret(text)
  const path = text.slice(5)
  let value: string
  try {
    value = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new Error(`could not read the file "${path}": ${(error as Error).message}`)
  }
  if (value === '') throw new Error(`the file "${path}" is empty`)
  return new Secret(value)
}
