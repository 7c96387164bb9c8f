import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { CommandContext } from '../../src/cli/context.ts'
import { wantsColor } from '../../src/cli/encodings.ts'
import { configFolder } from '../config/folder.ts'
import { run } from './run.ts'

const CAPTURE = join(import.meta.dir, '../fixtures/captures/pg_logfebe-15-conn4.febe')

const folder = configFolder()

const firstLine = (text: string): string => text.slice(0, text.indexOf('\n'))

describe('replay writes', () => {
  test.each([
    [
      ['--format', 'csvlog'],
      '2026-11-21 02:11:44.058 UTC,,,12711,"[local]",6b00fde0.31a7,1,"",2026-11-21 02:11:44 UTC,,0,LOG,00000,"connection received: host=[local]",,,,,,,,,"",,,',
    ],
    [['--format', 'stderr'], '2026-11-21 02:11:44.058 UTC [12711] LOG:  connection received: host=[local]'],
    [
      ['--format', 'stderr', '--log-line-prefix', '%t|%6p|%q'],
      '2026-11-21 02:11:44 UTC| 12711|LOG:  connection received: host=[local]',
    ],
    [['--template', '{pid} {message} {user:json}'], '12711 connection received: host=[local] null'],
    [['--fields', 'message,pid,hint'], '{"message":"connection received: host=[local]","pid":12711}'],
    [
      ['--format', 'logfmt', '--fields', 'pid,message'],
      'pid=12711 message="connection received: host=[local]"',
    ],
    [['--format', 'csvlog', '--fields', 'pid,hint,message'], '12711,,"connection received: host=[local]"'],
    [['--format', 'pretty', '--time', 'relative'], '── 2026-11-21 02:11:44.058 UTC'],
  ])('%p', async (words, line) => {
    const name = words.join('').replaceAll('/', '')
    const { code } = await run(['replay', CAPTURE, '--to', pathToFileURL(folder.path(name)).href, ...words])
    expect([code, firstLine(readFileSync(folder.path(name), 'utf8'))]).toEqual([0, line])
  })
})

describe('is refused', () => {
  test.each([
    [
      ['--format', 'json', '--template', '{pid}'],
      '--template: a template is a format of its own: leave out the format, or the template',
    ],
    [
      ['--format', 'pretty', '--fields', 'pid'],
      '--fields: the format pretty has its own; they can be chosen for json, csvlog, logfmt',
    ],
    [
      ['--template', '{pid}', '--fields', 'pid'],
      '--fields: the format template has its own; they can be chosen for json, csvlog, logfmt',
    ],
    [
      ['--format', 'febe', '--fields', 'pid'],
      '--fields: the format febe has its own; they can be chosen for json, csvlog, logfmt',
    ],
    [['--fields', 'mesage'], '--fields: there is no key "mesage"; did you mean message?'],
    [['--template', '{usr}'], '--template: there is no key "usr"; did you mean user?'],
    [['--log-line-prefix', '%z'], '--log-line-prefix: "%z" is nothing that a record can tell'],
  ])('replay %p', async (words, problem) => {
    const { code, stdout, stderr } = await run(['replay', CAPTURE, ...words])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(problem)
  })
})

describe('an exporter of the configuration file', () => {
  const config = (...lines: string[]) =>
    folder.write(
      'r.toml',
      ['[exporters.kept]', `url = "file://${folder.path('kept')}"`, ...lines, ''].join('\n'),
    )
  const replay = (path: string, ...words: string[]) =>
    run(['replay', CAPTURE, '--config', path, '--to', 'kept', ...words])

  test('has a format of its own', async () => {
    const path = config('format = "stderr"', 'log_line_prefix = "%p:"')
    expect((await replay(path, '--fields', 'pid')).code).toBe(0)
    expect(firstLine(readFileSync(folder.path('kept'), 'utf8'))).toBe(
      '12711:LOG:  connection received: host=[local]',
    )
  })

  test('has fields of its own, or a template', async () => {
    expect((await replay(config('fields = "pid"'))).code).toBe(0)
    expect((await replay(config('template = "{pid}"'))).code).toBe(0)
    const lines = readFileSync(folder.path('kept'), 'utf8').split('\n')
    expect(lines).toContain('{"pid":12711}')
    expect(lines).toContain('12711')
  })

  test('shares no bytes with another that looks different', async () => {
    const tables = ['%p:', '%p|'].flatMap((prefix, index) => [
      `[exporters.e${index}]`,
      `url = "file://${folder.path(`e${index}`)}"`,
      'format = "stderr"',
      `log_line_prefix = "${prefix}"`,
    ])
    const path = folder.write('two.toml', [...tables, ''].join('\n'))
    expect((await run(['replay', CAPTURE, '--config', path, '--to', 'e0', '--to', 'e1'])).code).toBe(0)
    const starts = ['e0', 'e1'].map((name) => readFileSync(folder.path(name), 'utf8').slice(0, 10))
    expect(starts).toEqual(['12711:LOG:', '12711|LOG:'])
  })

  test('that asks for what cannot be', async () => {
    const path = config('format = "pretty"', 'fields = "pid"')
    const { code, stderr } = await replay(path)
    expect(code).toBe(2)
    expect(stderr).toContain(`${path}:4: exporters.kept.fields: the format pretty has its own`)
    expect((await replay(config('format = "json"', 'template = "{pid}"'))).stderr).toContain(
      'is a format of its own',
    )
  })

  test('shows itself as it is read', async () => {
    const { stdout } = await run(['config', 'show', '--config', config('template = "{pid}"')])
    expect(stdout).toContain('template = "{pid}"')
    expect(stdout).not.toContain('format = "template"')
    const path = config('template = "{pid}"', 'fields = "pid"')
    expect((await replay(path)).stderr).toContain('fields: the format template has its own')
  })
})

describe('colours', () => {
  const context = (env: Record<string, string>, stdoutIsTerminal: boolean) =>
    ({ env, stdoutIsTerminal }) as unknown as CommandContext

  test.each([
    [{}, true, false],
    [{ TERM: 'dumb' }, false, false],
    [{ FORCE_COLOR: '1' }, true, true],
    [{ FORCE_COLOR: '0' }, false, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, false],
    [{ NO_COLOR: '', FORCE_COLOR: '' }, true, false],
  ] as [Record<string, string>, boolean, boolean][])(
    '%p: %p on a terminal, %p elsewhere',
    (env, terminal, elsewhere) => {
      expect(wantsColor('auto', context(env, true))).toBe(terminal)
      expect(wantsColor('auto', context(env, false))).toBe(elsewhere)
      expect(wantsColor('always', context(env, false))).toBe(true)
      expect(wantsColor('never', context(env, true))).toBe(false)
    },
  )

  test('in a file only when asked for', async () => {
    const write = async (name: string, ...words: string[]) => {
      await run(['replay', CAPTURE, '--format', 'pretty', '--to', `file://${folder.path(name)}`, ...words], {
        FORCE_COLOR: '1',
      })
      return readFileSync(folder.path(name), 'utf8').includes('\x1b[')
    }
    expect(await write('plain')).toBe(false)
    expect(await write('painted', '--color', 'always')).toBe(true)
  })
})

describe('listen', () => {
  test.each([
    [['--template', '{pid}', '--format', 'json'], '--template: a template is a format of its own'],
    [
      ['--to', 'http://h/in', '--http-body', 'pg_turret', '--fields', 'pid'],
      'fields cannot be chosen with these options',
    ],
    [['--fields', 'pid'], '--fields: the format pretty has its own'],
    [['--to', 'stdout', '--template', '{usr}'], '--template: there is no key "usr"; did you mean user?'],
  ])('refuses %p', async (words, problem) => {
    const { code, stderr } = await run(['listen', '--journal', 'memory', ...words])
    expect(code).toBe(2)
    expect(stderr).toContain(problem)
  })

  test.each([
    [['--to', 'http://h/in', '--fields', 'pid'], 'fields = "pid"'],
    [['--to', 'stdout', '--template', '{pid}'], 'template = "{pid}"'],
    [['--to', 'stdout', '--format', 'stderr', '--log-line-prefix', '%p '], 'log_line_prefix = "%p "'],
  ])('takes %p', async (words, line) => {
    const { code, stdout } = await run(['config', 'show', '--journal', 'memory', ...words])
    expect([code, stdout]).toEqual([0, expect.stringContaining(line)])
  })
})
