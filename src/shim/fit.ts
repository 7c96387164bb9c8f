import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Binary, compareVersions, readBinary } from './elf.ts'
import { magicsOf } from './magic.ts'
import type { Server } from './server.ts'

/** Versions that a module could be of; one that is of none of them tells nothing of itself. */
const MAJORS = Array.from({ length: 40 }, (_, index) => 13 + index)

/** Why a server could not load a module, in words that end a sentence; undefined when nothing speaks against it. */
export function misfit(module: Uint8Array, server: Server): string | undefined {
  const program = serverProgram(server)
  const ours = readBinary(module)
  // Not Linux: there is nothing to read it from.
  if (ours === undefined) return program === undefined ? undefined : 'it is not a Linux module'
  return otherProcessor(ours, program) ?? otherMagic(module, server, program) ?? otherGlibc(ours)
}

/** The server's own program; undefined where only headers are installed, and where it cannot be read. */
export function serverProgram(server: Server): (Binary & { readonly bytes: Uint8Array }) | undefined {
  try {
    const bytes = readFileSync(join(server.programFolder, 'postgres'))
    const binary = readBinary(bytes)
    return binary && { ...binary, bytes }
  } catch {
    return undefined
  }
}

function otherProcessor(module: Binary, program: Binary | undefined): string | undefined {
  const arch = program?.arch ?? process.arch
  return module.arch === arch ? undefined : `it is for ${module.arch} processors, and the server for ${arch}`
}

function otherMagic(
  module: Uint8Array,
  server: Server,
  program: { readonly bytes: Uint8Array } | undefined,
): string | undefined {
  const ours = magicsOf(module, MAJORS)[0]
  if (ours === undefined) return 'it does not say for which PostgreSQL it is'
  if (ours.major !== server.major) return `it is for PostgreSQL ${ours.major}`
  const theirs = program === undefined ? [] : magicsOf(program.bytes, [server.major])
  const [first] = theirs
  const same = theirs.some(({ limits, vendor }) => limits === ours.limits && vendor === ours.vendor)
  // A compiler may take the server's numbers apart; then the server itself is the judge.
  if (first === undefined || same) return undefined
  const spell = ({ limits, vendor }: { limits: string; vendor: string }) => `${vendor} (${limits})`.trim()
  return `it was built for ${spell(ours)}, and the server as ${spell(first)}`
}

function otherGlibc({ glibc }: Binary): string | undefined {
  const here = machineGlibc()
  if (glibc === undefined || here === undefined || compareVersions(glibc, here) <= 0) return undefined
  return `it needs glibc ${glibc}, and this machine has ${here}`
}

/** Version of this machine's glibc; undefined where there is none. */
function machineGlibc(): string | undefined {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined
  return report?.header?.glibcVersionRuntime
}
