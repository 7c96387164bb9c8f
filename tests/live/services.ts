#!/usr/bin/env bun
/**
 * Real servers for tests, without containers, and the clients that vendors give away for theirs:
 *
 *     bun tests/live/services.ts list                     what there is, and whether it is installed
 *     bun tests/live/services.ts install [--quick] [NAME…]  fetches and builds them (all, by default; --quick: what takes seconds)
 *     bun tests/live/services.ts start NAME               runs a server until Ctrl-C, and says where it answers
 *
 * Versions are pinned; the registries' checksums are verified by the ordinary clients. docker-compose.yml has the same set.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { removeWorkspace } from '../../scripts/postgres/workspace.ts'
import { cacheFolder, install, isReady } from './cache.ts'
import { allInstallables, serviceCalled } from './registry.ts'
import { type Installable, type Service, Unavailable } from './service.ts'

const USAGE = 'usage: bun tests/live/services.ts list | install [--quick] [NAME…] | start NAME'

if (import.meta.main) process.exit(await main(process.argv.slice(2)))

async function main([command, ...words]: readonly string[]): Promise<number> {
  try {
    if (command === 'list' && words.length === 0) return await list()
    if (command === 'install') return await installAll(words)
    if (command === 'start' && words.length === 1) return await run(await serviceCalled(words[0]!))
    throw new Error(USAGE)
  } catch (error) {
    console.error((error as Error).message)
    return error instanceof Unavailable ? 1 : 2
  }
}

async function list(): Promise<number> {
  const all = await allInstallables()
  const width = Math.max(...all.map(({ name }) => name.length))
  for (const one of all)
    console.log(`${one.name.padEnd(width)}  ${isReady(one, cacheFolder()) ? 'installed' : 'not installed'}`)
  console.log(`in ${cacheFolder()}`)
  return 0
}

async function installAll(words: readonly string[]): Promise<number> {
  const names = words.filter((word) => word !== '--quick')
  const asked = await allInstallables(names)
  const wanted = words.includes('--quick') ? asked.filter(({ quick }) => quick) : asked
  let missing = 0
  // One after the other: each build takes all of the machine.
  for (const one of wanted) {
    const reason = await attempt(one)
    if (reason !== undefined) missing++
    console.log(reason === undefined ? `${one.name}: installed` : `${one.name}: not to be had: ${reason}`)
  }
  return missing === 0 ? 0 : 1
}

/** Installs one; returns why it could not. */
async function attempt(one: Installable): Promise<string | undefined> {
  const ready = isReady(one, cacheFolder())
  if (!ready) console.log(`${one.name}: installing…`)
  try {
    await install(one, cacheFolder())
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

async function run(service: Service): Promise<number> {
  const folder = mkdtempSync(`/tmp/pgturret-${service.name}-`)
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve())
  try {
    await install(service, cacheFolder())
    const running = await service.start(cacheFolder(), folder)
    for (const [what, where] of Object.entries(running.addresses)) console.log(`${what}  ${where}`)
    console.log(`process ${running.pid}; Ctrl-C ends it`)
    await asked
    await running.stop()
    return 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
    removeWorkspace()
  }
}
