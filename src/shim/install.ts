import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ConfigError } from '../errors.ts'
import { MODULE, type ModuleFiles } from './build.ts'
import { misfit } from './fit.ts'
import type { Server } from './server.ts'

/** Where each file of a module belongs. */
export function destinationOf(name: string, server: Server): string {
  return join(name === MODULE ? server.moduleFolder : server.extensionFolder, name)
}

/**
 * Puts a module where the server looks for it. Each file is written beside its place and moved over: a running server
 * has the old one mapped, and writing into that would crash it.
 *
 * @throws ConfigError when the server could not load it, which would keep it from starting, and when a folder cannot be written
 */
export function installModule(files: ModuleFiles, server: Server): void {
  refuseMisfit(files, server)
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

function refuseMisfit(files: ModuleFiles, server: Server): void {
  const module = files.get(MODULE)
  const reason = module && misfit(module, server)
  if (reason === undefined) return
  const advice = 'give the pg_config of the server that is to load it, and a compiler for its processor as cc'
  throw new ConfigError([`${server.version} could not load this module: ${reason}; ${advice}`])
}
