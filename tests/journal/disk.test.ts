import { afterAll, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemDisk } from '../../src/journal/disk.ts'

const ROOT = mkdtempSync(join(tmpdir(), 'pgturret-disk-'))
afterAll(() => rmSync(ROOT, { recursive: true, force: true }))
const bytesOf = (text: string): Uint8Array => Buffer.from(text)

test('files are made, written anywhere, read, cut and synced', async () => {
  const path = join(ROOT, 'file')
  const file = await systemDisk.open(path, 'new')
  await file.write(bytesOf('hello world'), 0)
  await file.write(bytesOf('W'), 6)
  await file.sync()
  await file.truncate(7)
  await systemDisk.syncFolder(ROOT)
  const into = new Uint8Array(20)
  expect(await file.read(into, 0)).toBe(7)
  expect(Buffer.from(into.subarray(0, 7)).toString()).toBe('hello W')
  expect(await file.read(into, 7)).toBe(0)
  await file.close()
  expect(statSync(path).mode & 0o777 & ~0o640).toBe(0)
})

test('`new` refuses what is there, `update` keeps it and makes what is not, `read` makes nothing', async () => {
  const path = join(ROOT, 'other')
  expect(systemDisk.open(path, 'read')).rejects.toThrow('ENOENT')
  await (await systemDisk.open(path, 'update')).close()
  expect(systemDisk.open(path, 'new')).rejects.toThrow('EEXIST')
  writeFileSync(path, 'kept')
  const file = await systemDisk.open(path, 'update')
  await file.write(bytesOf('K'), 0)
  await file.close()
  expect(await Bun.file(path).text()).toBe('Kept')
})

test('a folder is listed by name, files only; one that is missing is empty', async () => {
  const folder = join(ROOT, 'a/b')
  expect(await systemDisk.list(folder)).toEqual([])
  await systemDisk.makeFolder(folder)
  await systemDisk.makeFolder(folder)
  mkdirSync(join(folder, 'sub'))
  symlinkSync('nowhere', join(folder, 'link'))
  for (const name of ['2', '10', '1']) writeFileSync(join(folder, name), name)
  expect((await systemDisk.list(folder)).map(({ name, bytes }) => [name, bytes])).toEqual([
    ['1', 1],
    ['10', 2],
    ['2', 1],
  ])
  expect(systemDisk.list(join(folder, '1'))).rejects.toThrow('ENOTDIR')
  await systemDisk.rename(join(folder, '1'), join(folder, '3'))
  await systemDisk.remove(join(folder, '3'))
  await systemDisk.remove(join(folder, '3'))
  expect((await systemDisk.list(folder)).map(({ name }) => name)).toEqual(['10', '2'])
})

test('the space of a disk', async () => {
  const { free, total } = await systemDisk.space(ROOT)
  expect(free).toBeGreaterThan(0)
  expect(total).toBeGreaterThanOrEqual(free)
})
