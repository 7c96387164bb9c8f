/** The server under test as `pgturret shim` sees it, and the module that was compiled for it. */

import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { givenInstallation } from '../../scripts/postgres/installation.ts'
import { serverOf } from '../../src/shim/server.ts'
import { pgConfig } from './probe.ts'

export const server = serverOf(pgConfig)

/** A copy, to change. */
export function moduleBytes(): Buffer {
  const folder =
    givenInstallation() === undefined ? resolve(import.meta.dir, '../../shim') : server.moduleFolder
  return readFileSync(join(folder, 'pgturret.so'))
}

/** The server's program; a copy, to change. */
export const programBytes = (): Buffer => readFileSync(join(server.programFolder, 'postgres'))

/** Bytes with a text in place of another one of at least its length. */
export function replaced(bytes: Buffer, from: string, to: string): Buffer {
  const at = bytes.indexOf(from)
  if (at < 0) throw new Error(`no ${from} in there`)
  const copy = Buffer.from(bytes)
  copy.fill(0, at, at + from.length)
  copy.write(to, at)
  return copy
}

/** Bytes with another number in one of the five of the magic: version, arguments, columns, bytes of a name, by value. */
export function withMagic(bytes: Buffer, major: number, index: number, value: number): Buffer {
  const magic = Buffer.from(Int32Array.of(major * 100, 100, 32, 64, 1).buffer)
  const at = bytes.indexOf(magic)
  if (at < 0) throw new Error(`no magic of ${major} in there`)
  const copy = Buffer.from(bytes)
  copy.writeInt32LE(value, at + index * 4)
  return copy
}
