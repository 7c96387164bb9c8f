import { existsSync, readFileSync } from 'node:fs'
import { extensionFiles, MODULE, type ModuleFiles } from './build.ts'
import { misfit, serverProgram } from './fit.ts'
import { PREBUILT, type Prebuilt } from './prebuilt-list.ts'
import type { Server } from './server.ts'

/** This machine as prebuilt modules are named: operating system, processor, C library. */
export function systemName(): string {
  const musl = process.platform === 'linux' && existsSync(`/lib/ld-musl-${muslArch()}.so.1`)
  const libc = process.platform !== 'linux' ? '' : musl && !hasGlibc() ? '-musl' : '-glibc'
  return `${process.platform}-${process.arch}${libc}`
}

const muslArch = (): string => (process.arch === 'arm64' ? 'aarch64' : 'x86_64')

const hasGlibc = (): boolean =>
  existsSync('/lib64/ld-linux-x86-64.so.2') || existsSync('/lib/ld-linux-aarch64.so.1')

/** The system that a server was built for: its program tells, and where that cannot be read, it is taken for this machine's. */
export function systemOf(server: Server): string {
  const program = serverProgram(server)
  if (program?.libc === undefined) return systemName()
  return `linux-${program.arch}-${program.libc}`
}

/** The prebuilt module that a server can load; undefined when this executable has none. */
export function prebuiltFor(server: Server): ModuleFiles | undefined {
  const found = candidate(server)
  if (found === undefined) return undefined
  const module = readFileSync(found.path)
  return misfit(module, server) === undefined ? extensionFiles().set(MODULE, module) : undefined
}

function candidate(server: Server): Prebuilt | undefined {
  const system = systemOf(server)
  return PREBUILT.find((one) => one.major === server.major && one.system === system)
}

/** Why `prebuiltFor` has nothing for a server, as the beginning of a sentence. */
export function whyNotPrebuilt(server: Server): string {
  const found = candidate(server)
  if (found !== undefined) {
    const reason = misfit(readFileSync(found.path), server)
    return `the prebuilt module for PostgreSQL ${found.major} on ${found.system} does not fit: ${reason}`
  }
  if (PREBUILT.length === 0) return 'this executable has no prebuilt modules'
  return `this executable has ${prebuiltSummary()} and none for ${server.major} on ${systemOf(server)}`
}

function prebuiltSummary(): string {
  const majors = (system: string) => PREBUILT.filter((one) => one.system === system).map(({ major }) => major)
  const systems = [...new Set(PREBUILT.map(({ system }) => system))]
  return `prebuilt modules for ${systems.map((system) => `PostgreSQL ${majors(system).join(', ')} on ${system}`).join(', ')}`
}
