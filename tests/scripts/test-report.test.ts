import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readReport, skippedWithoutReason } from '../../scripts/test-report.ts'

/** What the checks make of a report that bun itself has written. */

let folder = ''
let report = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-report-'))
  report = join(folder, 'junit.xml')
  const tests = `
    import { describe, test } from 'bun:test'
    test('passes', () => {})
    test('fails', () => { throw new Error('no') })
    test.skip('has no "server"', () => {})
    test.skip('cannot be (there is no server)', () => {})
    describe.skip('all of these', () => { test('a & b', () => {}) })`
  writeFileSync(join(folder, 'made.test.ts'), tests)
  Bun.spawnSync([process.execPath, 'test', '--reporter=junit', `--reporter-outfile=${report}`], {
    cwd: folder,
  })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('tests are counted', async () => {
  expect(await readReport(report)).toEqual({ passed: 1, failed: 1, skipped: 3 })
  expect(await readReport(join(folder, 'nothing'))).toEqual({ passed: 0, failed: 0, skipped: 0 })
})

test('those that are skipped say why, or are named', async () => {
  expect(await skippedWithoutReason(report)).toEqual(['has no &quot;server&quot;', 'a &amp; b'])
  expect(await skippedWithoutReason(join(folder, 'nothing'))).toEqual([])
})
