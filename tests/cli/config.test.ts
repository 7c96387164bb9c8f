import { describe, expect, test } from 'bun:test'
import { parse } from 'smol-toml'
import { configSchema } from '../../src/config/json-schema.ts'
import { EXPORTERS } from '../../src/exporters/registry.generated.ts'
import { configFolder } from '../config/folder.ts'
import { settingsOf } from './listen-command.ts'
import { run } from './run.ts'

const folder = configFolder()

const TOML = `level = "WARNING"
queue_size = 4096
to = ["logs"]

[exporters.logs]
url = "https://me:hunter2@h/in?key=hunter2"
token = "hunter2"
header = ["X-Scope: hunter2"]
batch_records = 500

[exporters.spare]
url = "file:///tmp/a@b.ndjson"
`

describe('config check', () => {
  test('a file that can be used: status 0, one line', async () => {
    const path = folder.write('good.toml', TOML)
    const outcome = { code: 0, stdout: `${path}: ok, 2 destinations\n`, stderr: '' }
    expect(await run(['config', 'check', path])).toEqual(outcome)
    expect(await run(['config', 'check', '--config', path])).toEqual(outcome)
    expect(await run(['config', 'check'], { PGTURRET_CONFIG: path })).toEqual(outcome)
  })

  test('one that cannot: status 2, every problem with its place', async () => {
    const path = folder.write(
      'bad.toml',
      TOML.replace('level', 'levle').replace('file:///tmp', 'file:///nonexistent'),
    )
    const { code, stdout, stderr } = await run(['config', 'check', path], { PGTURRET_SYNC: 'maybe' })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(`${path}:1: levle: unknown key; did you mean level?\n`)
    expect(stderr).toContain(`${path}:11: exporters.spare: the folder "/nonexistent" does not exist\n`)
    expect(stderr).toContain('PGTURRET_SYNC: expected one of')
  })

  test('the exporters that "to" leaves out are looked at, too', async () => {
    const path = folder.write('spare.toml', `${TOML}mode = "9"\n`)
    expect((await run(['config', 'check', path])).stderr).toContain(`${path}:13: exporters.spare.mode`)
  })

  test('no file, or too many', async () => {
    const { code, stderr } = await run(['config', 'check'], { XDG_CONFIG_HOME: folder.path('none') })
    expect(code).toBe(2)
    expect(stderr).toContain('there is no configuration file')
    expect((await run(['config', 'check', 'a', 'b'])).stderr).toContain('"b": unexpected argument')
  })
})

describe('config show', () => {
  test('says of every value where it comes from', async () => {
    const path = folder.write('show.toml', TOML)
    const argv = ['config', 'show', '--config', path, '--http-timeout', '3s', '--dump', '/tmp/x.febe']
    const { code, stdout } = await run(argv, { PGTURRET_SYNC: 'off', PGTURRET_EXPORTERS_LOGS_LINGER: '1s' })
    expect(code).toBe(0)
    const lines = stdout.split('\n').map((line) => line.replace(/ {2,}/g, '  ').replace(path, 'p.toml'))
    for (const line of [
      '# Configuration file: p.toml',
      'to = [ "logs" ]  # p.toml:3',
      'level = "WARNING"  # p.toml:1',
      'dump = "/tmp/x.febe"  # --dump',
      'queue_size = "4096"  # p.toml:2',
      'sync = "off"  # PGTURRET_SYNC',
      'max_connections = 2000  # default',
      '[exporters.logs]  # p.toml:5',
      'url = "https://[redacted]@h/in?[redacted]"',
      'token = "[redacted]"  # p.toml:7',
      'header = [ "X-Scope: [redacted]" ]  # p.toml:8',
      'timeout = "3s"  # --http-timeout',
      'batch_records = 500  # p.toml:9',
      'linger = "1s"  # PGTURRET_EXPORTERS_LOGS_LINGER',
      'concurrency = 1  # default',
    ]) {
      expect(lines).toContain(line)
    }
    expect(stdout).not.toContain('hunter2')
    expect(stdout).not.toContain('spare')
  })

  test.each([
    [[]],
    [
      [
        '--to',
        'stdout',
        '--to',
        'file:///tmp/a@b "c".ndjson',
        '--file-keep',
        '3',
        '--format',
        'json',
        '--color',
        'never',
      ],
    ],
    [['--to', 'https://h/in', '--http-header', 'A: b', '--journal', 'memory', '--metrics', '127.0.0.1:0']],
  ])('of %p is a configuration file that says the same', async (argv) => {
    const { stdout } = await run(['config', 'show', ...argv])
    const again = folder.write('again.toml', stdout)
    const before = settingsOf(argv)
    const after = settingsOf(['--config', again])
    const { to: _, ...options } = after.options
    expect(options).toMatchObject(JSON.parse(JSON.stringify({ ...before.options, to: undefined })))
    const outline = ({ name, type, format, common }: (typeof after.destinations)[0]) => ({
      name,
      type,
      format,
      common,
    })
    expect(after.destinations.map((one) => ({ ...outline(one), format: one.format }))).toEqual(
      before.destinations.map((one) => outline({ ...one, common: { ...one.common, ...chosen(one) } })),
    )
  })

  /** What was left to the default is said. */
  const chosen = ({ definition, format }: { definition: { format: string }; format: string }) =>
    definition.format === 'chosen' ? { format: format as 'json' } : {}

  test('of what cannot be used says why: status 2', async () => {
    const { code, stdout, stderr } = await run(['config', 'show', '--sync', 'x', '--nope'])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain('--sync: expected')
    expect(stderr).toContain('--nope: unknown option')
  })
})

describe('config schema', () => {
  test('prints the JSON Schema', async () => {
    const { code, stdout } = await run(['config', 'schema'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(configSchema(EXPORTERS))))
  })

  test('takes nothing', async () => {
    expect((await run(['config', 'schema', 'x', '--y'])).stderr).toMatch(
      /--y: unknown option\n.*"x": unexpected/,
    )
  })
})

test('what config show prints is TOML', async () => {
  const { stdout } = await run(['config', 'show'])
  expect(Object.keys(parse(stdout))).toContain('exporters')
})

test.each([
  [['config'], ['check', 'show', 'schema']],
  [
    ['config', 'check'],
    ['[file]', '--config <FILE>', 'Exit status'],
  ],
  [
    ['config', 'show'],
    ['--socket-mode', '--http-token'],
  ],
])('%p --help teaches', async (words, phrases) => {
  const { code, stdout } = await run([...words, '--help'])
  expect(code).toBe(0)
  for (const phrase of phrases) expect(stdout).toContain(phrase)
})
