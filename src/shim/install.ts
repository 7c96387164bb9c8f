import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ConfigError } from '../errors.ts'
import { MODULE, type ModuleFiles } from './build.ts'
import type { Server } from './server.ts'

/** Where each file of a module belongs. */
export function destinationOf(name: string, server: Server): string {
  return join(name === MODULE ? server.moduleFolder : server.extensionFolder, name)
}

/**
 * Puts a module where the server looks for it. Each file is written beside its place and moved over: a running server
 * has the old one mapped, and writing into that would crash it.
 *
 * @throws ConfigError when a folder cannot be written
 */
export function installModule(files: ModuleFiles, server: Server): void {
  for (const [name, contents] of files) {
    const path = destinationOf(name, server)
    const fresh = `${path}.new`
    try {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(fresh, contents)
      chmodSync(fresh, name === MODULE ? 0o755 : 0o644)
      renameSync(fresh, path)
    } catch (error) {
      if (existsSync(fresh)) rmSync(fresh)
      throw new ConfigError([`could not install ${path}: ${(error as Error).message}; it may take root`])
    }
  }
}
