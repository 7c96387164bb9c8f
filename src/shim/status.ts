import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MODULE } from './build.ts'
import { misfit } from './fit.ts'
import { destinationOf } from './install.ts'
import { prebuiltFor } from './prebuilt.ts'
import type { Server } from './server.ts'

/** One line of the report: what was looked at, how it stands, and what to do if it is not as it should be. */
export interface Finding {
  readonly what: string
  readonly state: string
  readonly advice?: string
}

/**
 * Looks at whether the module is installed, loaded and connected. The last two are asked through psql, which connects as
 * its environment (PGHOST, PGPORT, PGUSER, …) says.
 */
export function shimStatus(server: Server): Finding[] {
  const installed = installedFinding(server)
  const loaded = psql(server, 'SHOW shared_preload_libraries')
  if (loaded.error !== undefined) {
    const advice = 'start the server, or point PGHOST, PGPORT and PGUSER at it'
    return [installed, { what: 'loaded', state: `unknown: ${loaded.error}`, advice }]
  }
  if (!namesModule(loaded.text)) {
    const advice = 'add pgturret to shared_preload_libraries in postgresql.conf and restart the server'
    return [installed, { what: 'loaded', state: 'no', advice }]
  }
  return [installed, { what: 'loaded', state: 'yes' }, connectedFinding(server)]
}

/** Whether a value of shared_preload_libraries names the module. */
export const namesModule = (libraries: string): boolean =>
  /(?:^|[,\s/"'])pgturret(?:\.so)?(?:$|[,\s"'])/.test(libraries)

/** Whether the module's files are where the server looks for them, and fit it. */
export function installedFinding(server: Server): Finding {
  const path = destinationOf(MODULE, server)
  const what = 'installed'
  if (!existsSync(path)) return { what, state: 'no', advice: 'pgturret shim install' }
  const control = destinationOf('pgturret.control', server)
  if (!existsSync(control)) {
    return { what, state: `${path}, but without its extension files`, advice: 'pgturret shim install' }
  }
  const module = readFileSync(path)
  const reason = misfit(module, server)
  if (reason !== undefined) {
    return {
      what,
      state: `${path}, but the server cannot load it: ${reason}`,
      advice: 'pgturret shim install',
    }
  }
  const ours = prebuiltFor(server)?.get(MODULE)
  if (ours !== undefined && !module.equals(ours)) {
    return {
      what,
      state: `${path}, of another build than this executable's`,
      advice: 'pgturret shim install',
    }
  }
  return { what, state: path }
}

function connectedFinding(server: Server): Finding {
  const what = 'connected'
  const query = "SELECT connected, coalesce(last_error, '') FROM pgturret_stat"
  const answer = psql(server, query)
  if (answer.error !== undefined) {
    const missing = answer.error.includes('does not exist')
    const advice = missing ? 'CREATE EXTENSION pgturret' : 'ask as a member of pg_monitor'
    return { what, state: `unknown: ${answer.error}`, advice }
  }
  const [connected, lastError] = answer.text.split('|')
  if (connected === 't') return { what, state: 'yes' }
  const advice = 'start pgturret listen; pgturret.socket must be its path, and the server must be let in'
  return { what, state: lastError ? `no: ${lastError}` : 'no', advice }
}

type Answer = { readonly text: string; readonly error?: undefined } | { readonly error: string }

/** The psql that belongs to a server, else any; the path may be of none. */
export function psqlOf(server: Server): string {
  const beside = join(server.pgConfig, '../psql')
  return existsSync(beside) ? beside : (Bun.which('psql') ?? beside)
}

function psql(server: Server, query: string): Answer {
  const program = psqlOf(server)
  try {
    const command = [
      program,
      '-X',
      '-w',
      '-A',
      '-t',
      '-d',
      process.env['PGDATABASE'] ?? 'postgres',
      '-c',
      query,
    ]
    const { stdout, stderr, exitCode } = Bun.spawnSync(command)
    if (exitCode === 0) return { text: stdout.toString().trim() }
    const [first = ''] = stderr.toString().trim().split('\n')
    return { error: first.replace(/^(?:psql: error: |ERROR: +)/, '') }
  } catch {
    return { error: 'psql not found' }
  }
}
