import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MODULE } from '../../src/shim/build.ts'
import { readBinary } from '../../src/shim/elf.ts'
import { misfit } from '../../src/shim/fit.ts'
import { installModule } from '../../src/shim/install.ts'
import { systemName, systemOf } from '../../src/shim/prebuilt.ts'
import type { Server } from '../../src/shim/server.ts'
import { moduleBytes, programBytes, replaced, server, withMagic } from './module.ts'

const { major } = server
const folder = mkdtempSync(join(tmpdir(), 'pgturret-fit-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let count = 0

/** The server under test, with another program in its place. */
function serverWith(program: Uint8Array | undefined): Server {
  const programFolder = mkdtempSync(join(folder, `${++count}-`))
  if (program !== undefined) writeFileSync(join(programFolder, 'postgres'), program)
  return { ...server, programFolder }
}

function forArm64(bytes: Buffer): Buffer {
  bytes.writeUInt16LE(process.arch === 'arm64' ? 62 : 183, 18)
  return bytes
}

const foreign = process.arch === 'arm64' ? 'x64' : 'arm64'

describe('a module', () => {
  test('fits the server that it was compiled for', () => {
    expect(misfit(moduleBytes(), server)).toBeUndefined()
  })

  test('fits a server whose program is not there to be asked', () => {
    expect(misfit(moduleBytes(), serverWith(undefined))).toBeUndefined()
  })

  test('of another processor does not fit, whichever of the two it is', () => {
    expect(misfit(forArm64(moduleBytes()), server)).toBe(
      `it is for ${foreign} processors, and the server for ${process.arch}`,
    )
    expect(misfit(moduleBytes(), serverWith(forArm64(programBytes())))).toBe(
      `it is for ${process.arch} processors, and the server for ${foreign}`,
    )
    expect(misfit(forArm64(moduleBytes()), serverWith(undefined))).toContain(`it is for ${foreign}`)
  })

  test('of another major version does not fit', () => {
    const other = major === 17 ? 16 : 17
    expect(misfit(withMagic(moduleBytes(), major, 0, other * 100), server)).toBe(
      `it is for PostgreSQL ${other}`,
    )
  })

  test('does not fit a server that was built with other limits, or by a vendor with an interface of its own', () => {
    const limits = serverWith(withMagic(programBytes(), major, 3, 128))
    expect(misfit(moduleBytes(), limits)).toContain('(100, 32, 64, 1), and the server as')
    if (major < 15) return
    const magic = Buffer.from(Int32Array.of(major * 100, 100, 32, 64, 1).buffer).toString('latin1')
    const program = programBytes()
    program.write('EDB Server\0', program.indexOf(magic, 0, 'latin1') + 20)
    expect(misfit(moduleBytes(), serverWith(program))).toBe(
      'it was built for PostgreSQL (100, 32, 64, 1), and the server as EDB Server (100, 32, 64, 1)',
    )
  })

  test('that needs a newer C library than this machine has does not fit', () => {
    const needs = `GLIBC_${readBinary(moduleBytes())?.glibc}`
    const newer = replaced(moduleBytes(), needs, 'GLIBC_9.99')
    expect(misfit(newer, server)).toMatch(/^it needs glibc 9\.99, and this machine has 2\.\d+$/)
  })

  test('that is none does not fit', () => {
    expect(misfit(Buffer.from('nothing'), server)).toBe('it is not a Linux module')
    const mute = withMagic(moduleBytes(), major, 1, 1)
    expect(misfit(mute, server)).toBe('it does not say for which PostgreSQL it is')
  })
})

describe('the system of a server', () => {
  test('is what its program says', () => {
    expect(systemOf(server)).toBe(systemName())
    expect(systemOf(serverWith(forArm64(programBytes())))).toBe(`linux-${foreign}-glibc`)
    const loader = /\/lib\S*\/ld-linux[\w.-]*/.exec(programBytes().toString('latin1'))![0]
    const musl = serverWith(replaced(programBytes(), loader, '/lib/ld-musl.so.1'))
    expect(systemOf(musl)).toBe(`linux-${process.arch}-musl`)
  })

  test('is taken for this machine’s where there is no program', () => {
    expect(systemOf(serverWith(undefined))).toBe(systemName())
  })
})

test('what a server could not load is not installed, and nothing beside it', () => {
  const target = mkdtempSync(join(folder, 'target-'))
  const files = new Map([
    [MODULE, forArm64(moduleBytes())],
    ['pgturret.control', Buffer.from('x')],
  ])
  expect(() => installModule(files, { ...server, moduleFolder: target, extensionFolder: target })).toThrow(
    `could not load this module: it is for ${foreign} processors`,
  )
  expect(readdirSync(target)).toEqual([])
})
