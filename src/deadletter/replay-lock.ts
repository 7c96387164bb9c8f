import { Database } from 'bun:sqlite'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../errors.ts'
import { giveTo } from './ownership.ts'

const NAME = 'replay.lock'

/**
 * Keeps the letters of a folder for one replay at a time: two would send the same. A listener is not kept out. The lock is the
 * kernel's, so that a process that was killed leaves none behind; SQLite, which comes with the runtime, takes it.
 */
export class ReplayLock {
  readonly #database: Database

  private constructor(database: Database) {
    this.#database = database
  }

  /** @throws ConfigError when another process has it, or the folder cannot be written */
  static async take(folder: string): Promise<ReplayLock> {
    const path = join(folder, NAME)
    let database: Database | undefined
    try {
      database = new Database(path, { create: true, readwrite: true })
      database.run('BEGIN EXCLUSIVE')
      await giveTo(path, await stat(folder))
      return new ReplayLock(database)
    } catch (error) {
      database?.close()
      throw new ConfigError([problem(folder, error as Error)])
    }
  }

  /** Lets go of it. */
  release(): void {
    this.#database.close()
  }
}

function problem(folder: string, error: Error & { code?: string }): string {
  if (error.code === 'SQLITE_BUSY')
    return `the letters in "${folder}" are being replayed already: wait for that`
  return `"${folder}" cannot be written (${error.message}): replay as the user of the listener, or with --keep`
}
