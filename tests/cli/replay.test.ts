import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configFolder } from '../config/folder.ts'
import { run } from './run.ts'

const CAPTURE = join(import.meta.dir, '../fixtures/captures/pg_logfebe-15-conn4.febe')

const folder = configFolder()

describe('replay to an exporter of the configuration file', () => {
  const config = () =>
    folder.write(
      'r.toml',
      `[exporters.kept]\nurl = "file://${folder.path('kept.ndjson')}"\n[exporters.other]\nurl = "http://h/"\ntoken = "env:NOT_SET"\n`,
    )

  test('by its name', async () => {
    const { code, stderr } = await run(['replay', CAPTURE, '--config', config(), '--to', 'kept'])
    expect([code, stderr]).toEqual([0, expect.stringMatching(/records read; \d+ delivered/)])
    expect(readFileSync(folder.path('kept.ndjson'), 'utf8')).toContain('connection received')
  })

  test('that is not in it: status 2', async () => {
    const { code, stderr } = await run(['replay', CAPTURE, '--to', 'kpet'], { PGTURRET_CONFIG: config() })
    expect(code).toBe(2)
    expect(stderr).toContain('did you mean kept?')
  })

  test('a file that is not needed is not read', async () => {
    const bad = folder.write('pgturret.toml', 'nonsense')
    const target = `file://${folder.path('plain.ndjson')}`
    const { code } = await run(['replay', CAPTURE, '--to', target], { XDG_CONFIG_HOME: folder.path('') })
    expect(code).toBe(0)
    expect((await run(['replay', CAPTURE, '--to', target, '--config', bad])).code).toBe(2)
  })
})
