import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ReplayLock } from '../../src/deadletter/replay-lock.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-lock-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('one at a time', async () => {
  const lock = await ReplayLock.take(folder)
  expect(ReplayLock.take(folder)).rejects.toThrow('are being replayed already')
  lock.release()
  const next = await ReplayLock.take(folder)
  next.release()
})

test('a process that was killed leaves none behind', async () => {
  const module = join(import.meta.dir, '../../src/deadletter/replay-lock.ts')
  const script = `import { ReplayLock } from ${JSON.stringify(module)}
    await ReplayLock.take(${JSON.stringify(folder)})
    console.log('taken')
    await new Promise(() => setInterval(() => undefined, 1000))`
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' })
  const { value } = await child.stdout.getReader().read()
  expect(Buffer.from(value!).toString()).toBe('taken\n')
  expect(ReplayLock.take(folder)).rejects.toThrow('are being replayed already')
  child.kill('SIGKILL')
  await child.exited
  const lock = await ReplayLock.take(folder)
  lock.release()
})

test('a folder that is not there', () => {
  expect(ReplayLock.take(join(folder, 'nothing'))).rejects.toThrow('cannot be written')
})
