import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, lastLines } from '../../scripts/versions/command.ts'
import { Unavailable } from './service.ts'

/** Building one may take this long: everything that a large program needs is compiled. */
const BUILD_SECONDS = 30 * 60

/** A program written in Go, by the path and the version of its package. The module proxy's checksums are verified. */
export interface GoProgram {
  /** `github.com/Shopify/toxiproxy/v2/cmd/server`. */
  readonly package: string
  /** `v2.12.0`. */
  readonly version: string
  /** What it is called in the cache. */
  readonly name: string
}

/** Where a program is, or will be, in the cache. */
export const pathOf = (cache: string, { name, version }: GoProgram): string =>
  join(cache, `${name}-${version}`, name)

/**
 * Builds a program unless it is there.
 *
 * @throws Unavailable with the compiler's last words
 */
export async function buildGo(cache: string, program: GoProgram): Promise<string> {
  const path = pathOf(cache, program)
  if (existsSync(path)) return path
  await whole(join(path, '..'), async (folder) => {
    await go(['install', `${program.package}@${program.version}`], folder, { GOBIN: folder })
    const built = program.package.split('/').at(-1)!
    renameSync(join(folder, built), join(folder, program.name))
  })
  return path
}

/** Runs the Go command; modules and their checksums come as the machine is set up to get them. */
export async function go(
  words: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<void> {
  if (Bun.which('go') === null) throw new Unavailable('Go is not installed (https://go.dev/dl)')
  await must(['go', ...words], { cwd, env: { GOFLAGS: '-buildvcs=false -trimpath', ...env } })
}

/** Runs a command that has to succeed; what it said last is the reason when it does not. */
export async function must(
  words: string[],
  options: { readonly cwd: string; readonly env?: Record<string, string> },
): Promise<void> {
  const { code, said } = await attempt(words, { ...options, seconds: BUILD_SECONDS })
  if (code !== 0)
    throw new Unavailable(`${words.slice(0, 2).join(' ')} ended with ${code}: ${lastLines(said, 3)}`)
}

/** Fills a folder of the cache, whole or not at all: another run may look for it at the same time. */
export async function whole(folder: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const unfinished = `${folder}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  try {
    await fill(unfinished)
    if (!existsSync(folder)) renameSync(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}
