import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../../errors.ts'
import { exporterSource, exporterTest } from './template.ts'

/** What a file, a URL's scheme and flags can all be called. */
const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
const MOST_LETTERS = 30

/**
 * Writes a new exporter and its test into a checkout of the sources.
 *
 * @param root top of the checkout
 * @returns what to do next, for a person
 * @throws ConfigError with everything that keeps it from being written; nothing is written then
 */
export function writeExporter(name: string, root: string): string {
  const files: readonly (readonly [string, string])[] = [
    [`src/exporters/${name}.ts`, exporterSource(name)],
    [`tests/exporters/${name}.test.ts`, exporterTest(name)],
  ]
  const problems = [...nameProblems(name), ...checkoutProblems(root)]
  // A bad name may lead to somebody else's file.
  if (problems.length === 0)
    problems.push(
      ...files
        .filter(([path]) => existsSync(join(root, path)))
        .map(([path]) => `${path} exists; it is left alone`),
    )
  if (problems.length > 0) throw new ConfigError(problems)
  for (const [path, text] of files) write(join(root, path), text)
  const wrote = files.map(([path]) => `wrote ${path}\n`).join('')
  return `${wrote}\nNow: make generate && bun test ${files[1]![0]}\nThen make it send where it should, and the test say so.\n`
}

function nameProblems(name: string): string[] {
  if (NAME.test(name) && name.length <= MOST_LETTERS) return []
  return [
    `"${name}": expected a name of at most ${MOST_LETTERS} small letters and digits, with single hyphens inside, that begins with a letter`,
  ]
}

function checkoutProblems(root: string): string[] {
  return isCheckout(root)
    ? []
    : [
        `"${root}" is no checkout of pgturret's sources; go to the top of one (the folder with its package.json)`,
      ]
}

function isCheckout(root: string): boolean {
  try {
    const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { name?: unknown }
    return name === 'pgturret' && existsSync(join(root, 'src/exporters/registry.generated.ts'))
  } catch {
    return false
  }
}

function write(path: string, text: string): void {
  try {
    // Not over a file that somebody has made meanwhile.
    writeFileSync(path, text, { flag: 'wx' })
  } catch (error) {
    throw new ConfigError([`could not write ${path}: ${(error as Error).message}`])
  }
}
