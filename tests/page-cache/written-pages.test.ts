import { afterAll, beforeAll, expect, test } from 'bun:test'
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WrittenPages } from '../../src/page-cache/written-pages.ts'
import { waitUntil } from '../support/wait-until.ts'

const MEGABYTE = 1024 * 1024
const TMPFS = 0x01021994
const piece = Buffer.alloc(MEGABYTE, 'a record\n')

let folder: string

/** A file system in memory has nothing to give back: a folder on a disk is needed. */
beforeAll(() => {
  const place = statfsSync(tmpdir()).type === TMPFS ? join(import.meta.dir, '../../node_modules') : tmpdir()
  folder = mkdtempSync(join(place, 'pgturret-pages-'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Megabytes of a file that are in the page cache, by util-linux. */
function resident(path: string): number {
  const { stdout } = Bun.spawnSync(['fincore', '--bytes', '--noheadings', '--output', 'RES', path])
  return Number(stdout.toString()) / MEGABYTE
}

const onLinux = test.skipIf(process.platform !== 'linux' || Bun.which('fincore') === null)

onLinux('pages that the disk has are given back behind the end', async () => {
  const path = join(folder, 'synced')
  const fd = openSync(path, 'w')
  const pages = new WrittenPages(fd, 0)
  for (let end = MEGABYTE; end <= 40 * MEGABYTE; end += MEGABYTE) {
    writeSync(fd, piece)
    fsyncSync(fd)
    pages.wrote(end)
  }
  await waitUntil(
    () => resident(path),
    (megabytes) => megabytes <= 12,
    'pages to be given back',
  )
  closeSync(fd)
})

onLinux('the disk is asked to take what nobody syncs, and that is given back too', async () => {
  const path = join(folder, 'unsynced')
  const fd = openSync(path, 'w')
  const pages = new WrittenPages(fd, 0)
  let end = 0
  // Sooner or later: a disk that is busy takes its time, and pages that it has not stay.
  const grown = () => {
    writeSync(fd, piece)
    end += MEGABYTE
    pages.wrote(end)
    return end / MEGABYTE - resident(path)
  }
  await waitUntil(grown, (given) => given >= 20, 'pages to be given back')
  closeSync(fd)
})

onLinux('without the advice they stay', () => {
  const path = join(folder, 'kept')
  const fd = openSync(path, 'w')
  for (let i = 0; i < 20; i++) writeSync(fd, piece)
  fsyncSync(fd)
  closeSync(fd)
  expect(resident(path)).toBeGreaterThan(12)
})

test('what is said of a file that was closed harms nobody', () => {
  const fd = openSync(join(folder, 'closed'), 'w')
  const pages = new WrittenPages(fd, 0)
  closeSync(fd)
  expect(() => pages.wrote(64 * MEGABYTE)).not.toThrow()
})
