import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../errors.ts'
import { requireToolchain, type Server } from './server.ts'
import { SHIM_SOURCES } from './sources.generated.ts'

/** The files of a module that is ready to install: name and contents. */
export type ModuleFiles = ReadonlyMap<string, Uint8Array>

/** Name of the module itself among its files. */
export const MODULE = 'pgturret.so'

/** The control and SQL files: the same for every server. */
export function extensionFiles(): Map<string, Uint8Array> {
  const files = SHIM_SOURCES.filter(([name]) => /\.(?:control|sql)$/.test(name))
  return new Map(files.map(([name, text]) => [name, Buffer.from(text)]))
}

/**
 * Compiles the module from the source that this executable carries.
 *
 * @throws ConfigError when the server's headers or a compiler are missing, or the compiler fails
 */
export function buildModule(server: Server): ModuleFiles {
  requireToolchain(server)
  const folder = mkdtempSync(join(tmpdir(), 'pgturret-shim-'))
  try {
    for (const [name, source] of SHIM_SOURCES) writeFileSync(join(folder, name), source)
    make(folder, server.pgConfig)
    return extensionFiles().set(MODULE, readFileSync(join(folder, MODULE)))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function make(folder: string, pgConfig: string): void {
  const { exitCode, stdout, stderr } = Bun.spawnSync(['make', '-s', '-C', folder, `PG_CONFIG=${pgConfig}`])
  if (exitCode === 0) return
  const said = `${stdout}${stderr}`.trim().split('\n').slice(-12).join('\n    ')
  throw new ConfigError([`could not compile the module:\n    ${said}`])
}
