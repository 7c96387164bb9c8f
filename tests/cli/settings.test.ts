import { describe, expect, test } from 'bun:test'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { ConfigError } from '../../src/errors.ts'
import { EXPORTERS } from '../../src/exporters/registry.generated.ts'
import { configFolder } from '../config/folder.ts'
import { listenCommand, problemsOf, settingsOf } from './listen-command.ts'

const SCHEMES = EXPORTERS.flatMap(({ schemes }) => schemes)
  .filter((scheme) => scheme !== 'stdout')
  .map((scheme) => `${scheme}:`)
  .join(', ')

const folder = configFolder()

describe('precedence: flag, environment, file, default', () => {
  const file = () =>
    folder.write('p.toml', 'max_connections = 3\n[exporters.h]\nurl = "https://h/"\nbatch_records = 3\n')
  const flags = ['--max-connections', '1', '--http-batch-records', '1']
  const env = { PGTURRET_MAX_CONNECTIONS: '2', PGTURRET_HTTP_BATCH_RECORDS: '2' }
  const values = (argv: string[], environment = {}) => {
    const { options, destinations } = settingsOf(['--config', file(), ...argv], environment)
    return [options.maxConnections, destinations[0]!.options['batchRecords']]
  }

  test('each over those behind it', () => {
    expect(values(flags, env)).toEqual([1, 1])
    expect(values([], env)).toEqual([2, 2])
    expect(values([])).toEqual([3, 3])
    const { options, destinations } = settingsOf(['--to', 'https://h/'])
    expect([options.maxConnections, destinations[0]!.options['batchRecords']]).toEqual([2000, 10_000])
  })

  test('one exporter alone can be told by the environment', () => {
    const more = { ...env, PGTURRET_EXPORTERS_H_BATCH_RECORDS: '4', PGTURRET_EXPORTERS_H_LINGER: '4s' }
    expect(values([], more)).toEqual([2, 4])
    expect(settingsOf(['--config', file()], more).destinations[0]!.common.linger).toBe(4000)
  })

  test('options of listen do not reach into exporters, nor the other way round', () => {
    const { options, destinations } = settingsOf(['--config', file(), '--level', 'ERROR'], {})
    expect(options.level).toBeGreaterThan(0)
    expect(destinations[0]!.common.level).toBeUndefined()
  })
})

describe('the configuration file', () => {
  test('is found in the usual place, by the environment, by a flag', () => {
    const text = (name: string) => `socket_group = "root"\ndump = "/tmp/${name}.febe"\n`
    mkdirSync(folder.path('pgturret'), { recursive: true })
    const usual = folder.write('pgturret/pgturret.toml', text('usual'))
    const named = folder.write('named.toml', text('named'))
    const flagged = folder.write('flagged.toml', text('flagged'))
    const env = { XDG_CONFIG_HOME: folder.path('') }
    expect(settingsOf([], env)).toMatchObject({
      configFile: usual,
      groupId: 0,
      options: { dump: '/tmp/usual.febe' },
    })
    expect(settingsOf([], { ...env, PGTURRET_CONFIG: named }).configFile).toBe(named)
    expect(settingsOf(['--config', flagged], { ...env, PGTURRET_CONFIG: named }).configFile).toBe(flagged)
    rmSync(usual)
  })

  test('that was named must be there', () => {
    expect(problemsOf(['--config', folder.path('missing')])).toEqual([
      expect.stringContaining('missing: there is no such file'),
    ])
  })

  test('need not be there', () => {
    expect(settingsOf([], { XDG_CONFIG_HOME: folder.path('') }).configFile).toBeUndefined()
  })
})

describe('destinations', () => {
  const toml = `
[exporters.logs]
url = "https://h/"
start = "oldest"
level = "WARNING"
[exporters.screen]
type = "stdout"
format = "prototext"
`
  const names = (argv: string[], env = {}) => settingsOf(argv, env).destinations.map(({ name }) => name)

  test('are the exporters of the file, in its order, or those that were asked for', () => {
    const config = ['--config', folder.write('d.toml', toml)]
    expect(names(config)).toEqual(['logs', 'screen'])
    expect(names([...config, '--to', 'screen'])).toEqual(['screen'])
    expect(names(config, { PGTURRET_TO: 'screen, logs' })).toEqual(['screen', 'logs'])
    expect(names(['--config', folder.write('t.toml', `to = ["screen"]${toml}`)])).toEqual(['screen'])
    expect(names([...config, '--to', 'logs', '--dump', '/tmp/x.febe'])).toEqual(['logs', 'dump'])
  })

  test('without any of it are the screen, for a person', () => {
    const [screen] = settingsOf([]).destinations
    expect(screen).toMatchObject({ type: 'stdout', format: 'pretty', name: 'stdout-3b7f5ca6' })
  })

  test('know their type, format and options', () => {
    const [logs, screen] = settingsOf([
      '--config',
      folder.write('d.toml', toml),
      '--format',
      'json',
    ]).destinations
    expect(logs).toMatchObject({ type: 'http', format: 'json', common: { start: 'oldest', linger: 0 } })
    expect(logs?.common.level).toBeGreaterThan(0)
    // What an exporter says of itself goes before what is said for all.
    expect(screen).toMatchObject({ type: 'stdout', format: 'prototext', common: { start: 'end' } })
  })

  test('without a name are called by what they are, the same at every start', () => {
    const [first] = names(['--to', 'https://user:pw@h/in?key=x'])
    expect(first).toMatch(/^http-[0-9a-f]{8}$/)
    expect(names(['--to', 'https://h/in'])).toEqual([first!])
    expect(names(['--to', 'https://h/other'])).not.toEqual([first!])
  })

  test('cannot share a name', () => {
    const config = ['--config', folder.write('dump.toml', '[exporters.dump]\ntype = "stdout"\n')]
    for (const argv of [
      ['--to', 'https://h/in', '--to', 'https://h/in?key=x'],
      ['--to', 'stdout', '--to', 'stdout', '--to', 'stdout'],
      [...config, '--dump', '/tmp/x.febe'],
    ]) {
      expect(problemsOf(argv)).toEqual([
        expect.stringMatching(/^two destinations are called (http-|stdout-|dump)/),
      ])
    }
  })

  test('that are none are met with what was meant', () => {
    const config = folder.write('d.toml', toml)
    expect(problemsOf(['--config', config, '--to', 'lgos'])).toEqual([
      `--to: "lgos" is no destination; expected an exporter of ${config} (logs, screen), stdout, or a URL that begins with ${SCHEMES}; did you mean logs?`,
    ])
    expect(problemsOf([], { PGTURRET_TO: 'ftp://h' })[0]).toStartWith(
      'PGTURRET_TO: "ftp://h" is no destination',
    )
    expect(problemsOf(['--config', folder.write('t.toml', '\nto = ["x"]')])[0]).toContain(
      't.toml:2: to: "x" is no',
    )
  })
})

describe('every problem at once', () => {
  test('of flags, environment and file, those of the file in its order', () => {
    const path = folder.write(
      'bad.toml',
      'levle = 1\nsocket_group = "no-such-group"\nsync = "maybe"\n[exporters.f]\nurl = "file:///nonexistent/x"\nmode = "9"\n[exporters.x]\n',
    )
    const env = { PGTURRET_QUEUE_SIZE: 'big', PGTURRET_EXPORTERS_F_KEEP: '0' }
    const problems = problemsOf(['--config', path, '--socket-mode', '9', '--nope', '--http-token', 'x'], env)
    expect(problems.map((problem) => problem.replace(path, 'f'))).toEqual([
      '--nope: unknown option',
      '--socket-mode: expected permission bits in octal such as 0660, got "9"',
      'PGTURRET_QUEUE_SIZE: expected a size such as 512kB, 64MB or 1GB, got "big"',
      'PGTURRET_EXPORTERS_F_KEEP: expected a whole number from 1 to 100000, got "0"',
      'f:1: levle: unknown key; did you mean level?',
      'f:3: sync: expected one of always, interval, off, got "maybe"',
      'f:6: exporters.f.mode: expected permission bits in octal such as 0660, got "9"',
      'f:7: exporters.x: expected a type or a url',
    ])
  })

  test('what can be seen of a destination and a group is named by its place', () => {
    const path = folder.write(
      'seen.toml',
      'socket_group = "no-such-group"\n[exporters.f]\nurl = "file:///nonexistent/x"\n',
    )
    expect(problemsOf(['--config', path]).map((problem) => problem.replace(path, 'f'))).toEqual([
      'f:1: socket_group: there is no group "no-such-group"',
      'f:2: exporters.f: the folder "/nonexistent" does not exist',
    ])
  })

  test('a file that cannot be read is not blamed for what follows from that', () => {
    const path = folder.write('syntax.toml', 'x')
    expect(problemsOf(['--config', path, '--to', 'name', '--http-token', 'x'])).toHaveLength(1)
    expect(problemsOf(['--config', path, '--http-token', 'x', '--sync', 'x'])).toHaveLength(2)
  })

  test('exporters that are not asked for need no secrets', () => {
    const path = folder.write('unused.toml', '[exporters.a]\nurl = "https://h/"\ntoken = "env:NOT_SET"\n')
    expect(problemsOf(['--config', path, '--to', 'stdout'])).toEqual([])
    expect(problemsOf(['--config', path])).toEqual([
      `${path}:3: exporters.a.token: environment variable "NOT_SET" is not set`,
    ])
  })
})

describe('read again, as at SIGHUP', () => {
  const base =
    '[exporters.a]\nurl = "https://h/"\ntoken = "file:TOKEN"\n[exporters.b]\nurl = "file:///tmp/b.ndjson"\n'
  const prepare = (name: string) => {
    const token = folder.write(`${name}.token`, 'one')
    const toml = base.replace('TOKEN', token)
    const path = folder.write(`${name}.toml`, toml)
    const { read } = listenCommand(['--config', path])
    const prints = () => read().destinations.map(({ fingerprint }) => fingerprint)
    return { token, toml, path, prints, before: prints() }
  }

  test('nothing has changed where nothing was changed', () => {
    const { prints, before, path, toml } = prepare('same')
    writeFileSync(
      path,
      `# a comment\nlevel = "ERROR"\n\n${toml.replace('token =', 'linger = "0ms"\nbody="ndjson"\ntoken   =')}`,
    )
    expect(prints()).toEqual(before)
  })

  test.each([
    ['an option', 'token =', 'timeout = "9s"\ntoken ='],
    ['an option that every exporter has', 'token =', 'linger = "1s"\ntoken ='],
    ['a threshold', 'token =', 'level = "ERROR"\ntoken ='],
    ['a header', 'token =', 'header = ["A: b"]\ntoken ='],
    ['the URL', 'https://h/', 'https://h/other'],
    ['a key in the URL', 'https://h/', 'https://h/?key=1'],
    ['credentials in the URL', 'https://h/', 'https://u:p@h/'],
    ['the name', 'exporters.a', 'exporters.c'],
  ])('%s of one exporter', (what, from, to) => {
    const { prints, before, path, toml } = prepare(`change-${what.length}`)
    writeFileSync(path, toml.replace(from, to))
    const after = prints()
    expect(after[0]).not.toBe(before[0])
    expect(after[1]).toBe(before[1])
  })

  test('the file of a secret', () => {
    const { prints, before, token } = prepare('secret')
    writeFileSync(token, 'two')
    expect(prints()[0]).not.toBe(before[0])
    writeFileSync(token, 'one\n')
    expect(prints()).toEqual(before)
  })

  test('the format for all, where it is not an exporter’s own', () => {
    const { prints, before, path, toml } = prepare('format')
    writeFileSync(path, `format = "prototext"\n${toml}`)
    expect(prints()[0]).toBe(before[0])
    expect(prints()[1]).not.toBe(before[1])
  })

  test('a bad file is refused, and read when it is good again', () => {
    const { prints, before, path, toml } = prepare('bad')
    writeFileSync(path, `${toml}nonsense`)
    expect(prints).toThrow(ConfigError)
    writeFileSync(path, toml)
    expect(prints()).toEqual(before)
  })
})
