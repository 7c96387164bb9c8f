import { afterAll, beforeEach, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../../src/errors.ts'
import { FolderLock, folderHolder } from '../../src/journal/lock.ts'
import { waitUntil } from '../support/wait-until.ts'

const ROOT = mkdtempSync(join(tmpdir(), 'pgturret-lock-'))
afterAll(() => rmSync(ROOT, { recursive: true, force: true }))

let folder = ''
let count = 0
beforeEach(() => {
  folder = join(ROOT, String(++count))
})

/** What is wrong with taking the lock. */
function problem(path = folder): string {
  try {
    new FolderLock(path).release()
    return ''
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).problems.join()
  }
}

/** Another process that takes the lock and keeps it. */
async function otherHolder() {
  const module = join(import.meta.dir, '../../src/journal/lock.ts')
  const source = `import { FolderLock } from ${JSON.stringify(module)}
    globalThis.lock = new FolderLock(${JSON.stringify(folder)})
    console.log('held')
    setInterval(() => undefined, 1000)`
  const child = Bun.spawn([process.execPath, '-e', source], { stdout: 'pipe', stderr: 'inherit' })
  const { value } = await child.stdout.getReader().read()
  expect(new TextDecoder().decode(value)).toBe('held\n')
  return child
}

test('a folder that is missing is made, and can be taken again when it was let go', () => {
  expect(folderHolder(folder)).toEqual({ held: false, pid: undefined })
  const lock = new FolderLock(folder)
  expect(readFileSync(join(folder, 'lock.pid'), 'utf8')).toBe(`${process.pid}\n`)
  expect(problem()).toContain('is in use by another pgturret')
  lock.release()
  expect(folderHolder(folder)).toEqual({ held: false, pid: undefined })
  expect(problem()).toBe('')
})

test('another process is refused and told who holds it; when that one is killed, nothing is left behind', async () => {
  const other = await otherHolder()
  expect(problem()).toBe(
    `--journal: "${folder}" is in use by another pgturret (process ${other.pid}); give each listener a folder of its own`,
  )
  expect(folderHolder(folder)).toEqual({ held: true, pid: other.pid })
  other.kill('SIGKILL')
  await other.exited
  await waitUntil(
    () => problem(),
    (said) => said === '',
    'the lock to be free',
  )
})

test('whatever stands in the lock file, a listener starts', () => {
  mkdirSync(folder)
  for (const contents of ['', 'garbage\n', 'garbage '.repeat(1000), '\0'.repeat(4096)]) {
    writeFileSync(join(folder, 'lock'), contents)
    writeFileSync(join(folder, 'lock.pid'), contents)
    expect(problem()).toBe('')
  }
})

test('a folder that is a file, or that can have no lock, is refused with what to do', () => {
  writeFileSync(folder, '')
  expect(problem()).toContain('cannot be written')
  const other = `${folder}-other`
  mkdirSync(join(other, 'lock'), { recursive: true })
  expect(problem(other)).toContain('give a folder that this user can write to')
})
