import { existsSync, readFileSync } from 'node:fs'
import { extensionFiles, MODULE, type ModuleFiles } from './build.ts'
import { PREBUILT } from './prebuilt-list.ts'
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

/** The prebuilt module that a server on this machine can load; undefined when this executable has none. */
export function prebuiltFor(server: Server): ModuleFiles | undefined {
  const system = systemName()
  const found = PREBUILT.find((one) => one.major === server.major && one.system === system)
  return found && extensionFiles().set(MODULE, readFileSync(found.path))
}

/** What this executable has, in words: for the message that it has not what is needed. */
export function prebuiltSummary(): string {
  if (PREBUILT.length === 0) return 'no prebuilt modules'
  return `prebuilt modules for ${PREBUILT.map(({ major, system }) => `PostgreSQL ${major} on ${system}`).join(', ')}`
}
