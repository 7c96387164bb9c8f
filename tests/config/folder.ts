import { afterAll, beforeAll } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A folder for configuration files, removed after the tests of the file that asks for it. */
export interface ConfigFolder {
  /** A path in the folder. */
  path(name: string): string
  /** Writes a file and returns its path. */
  write(name: string, text: string): string
}

/** To be called at the top of a test file. */
export function configFolder(): ConfigFolder {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync('/tmp/pgturret-config-')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const path = (name: string): string => join(folder, name)
  return {
    path,
    write: (name, text) => {
      writeFileSync(path(name), text)
      return path(name)
    },
  }
}
