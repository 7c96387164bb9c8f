import { Database } from 'bun:sqlite'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../errors.ts'

/** Statements of the database are in it: for its owner and group only. */
const FOLDER_MODE = 0o750

const lockPath = (folder: string): string => join(folder, 'lock')
const ownerPath = (folder: string): string => join(folder, 'lock.pid')

/**
 * Keeps a folder for this process. The lock is one of the kernel's, so that a process that was killed leaves none behind;
 * SQLite, which comes with the runtime, knows how to take it on every system.
 */
export class FolderLock {
  readonly #database: Database
  readonly #folder: string

  /**
   * Takes the lock; a folder that is missing is created.
   *
   * @throws ConfigError when another process holds it, or the folder cannot be written
   */
  constructor(folder: string) {
    this.#folder = folder
    try {
      mkdirSync(folder, { recursive: true, mode: FOLDER_MODE })
      this.#database = takeLock(lockPath(folder))
      writeFileSync(ownerPath(folder), `${process.pid}\n`)
    } catch (error) {
      throw new ConfigError([`--journal: ${problem(folder, error as Error)}`])
    }
  }

  /** Lets go of it. */
  release(): void {
    rmSync(ownerPath(this.#folder), { force: true })
    this.#database.close()
  }
}

function takeLock(path: string): Database {
  try {
    return lockFile(path)
  } catch (error) {
    // Something else stands in the file. Nobody holds it: that would have been said first.
    if (codeOf(error) !== 'SQLITE_NOTADB' && codeOf(error) !== 'SQLITE_CORRUPT') throw error
    rmSync(path)
    return lockFile(path)
  }
}

function lockFile(path: string): Database {
  const database = new Database(path, { create: true, readwrite: true })
  try {
    database.run('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

const codeOf = (error: unknown): string | undefined => (error as { code?: string }).code

function problem(folder: string, error: Error): string {
  if (codeOf(error) !== 'SQLITE_BUSY')
    return `"${folder}" cannot be written: ${error.message}; give a folder that this user can write to`
  const holder = holderOf(folder)
  const who = holder === undefined ? '' : ` (process ${holder})`
  return `"${folder}" is in use by another pgturret${who}; give each listener a folder of its own`
}

function holderOf(folder: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(ownerPath(folder), 'utf8'), 10)
    return Number.isSafeInteger(pid) ? pid : undefined
  } catch {
    return undefined
  }
}

/**
 * Looks whether a process holds a folder; changes nothing.
 *
 * @returns whether it is held and, where it is known, by which process
 */
export function folderHolder(folder: string): { readonly held: boolean; readonly pid: number | undefined } {
  let database: Database | undefined
  try {
    database = new Database(lockPath(folder), { readonly: true })
    database.query('SELECT count(*) FROM sqlite_master').all()
    return { held: false, pid: undefined }
  } catch (error) {
    const held = codeOf(error) === 'SQLITE_BUSY'
    return { held, pid: held ? holderOf(folder) : undefined }
  } finally {
    database?.close()
  }
}
