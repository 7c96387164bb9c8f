import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './run.ts'

const CAPTURE = join(import.meta.dir, '../fixtures/captures/pg_logfebe-15-conn4.febe')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-cli-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const target = (name: string): string => `file://${join(folder, name)}`
const linesOf = (name: string): string[] => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n')

describe('help', () => {
  test.each([
    [[], ['listen', 'tail', 'replay', 'shim', 'shared_preload_libraries']],
    [
      ['listen'],
      [
        '--to <DEST>',
        '--socket-mode',
        'default: 0660',
        'PGTURRET_SOCKET',
        'Options of --to http:',
        'SIGTERM',
      ],
    ],
    [['replay'], ['<dump...>', '--to <DEST>', '--resume <FILE>', '--speed', 'Exit status', '--http-token']],
    [['summary'], ['--top <N>', '--format <text|json>', 'query_id', 'Exit status']],
    [
      ['tail'],
      ['--level <LEVEL>', '-n, --lines', '-f, --follow', '--no-follow', '--since', 'DEBUG5', 'Exit status'],
    ],
    [['tail'], ['--no-log-level', '--db <NAME>', '--since <WHEN>', '--filter <EXPR>', '--grep <REGEX>']],
    [
      ['filter', 'check'],
      ['<expr>', 'dbname', 'duration_ms', 'has(dbname)', 'Exit status'],
    ],
    [['status'], ['--socket <PATH>', '--json', '--watch']],
    [['journal'], ['ls', 'verify', 'cat', 'repair', 'prune']],
    [['deadletter'], ['list', 'show', 'replay']],
    [['doctor'], ['--pg-config <PATH>', '--json', 'psql', 'Exit status']],
    [['config'], ['check', 'show', 'schema']],
    [['exporters'], ['list', 'describe', 'new']],
    [
      ['exporters', 'new'],
      ['checkout', 'make generate'],
    ],
    [['completion'], ['bash', 'zsh', 'fish', '/etc/bash_completion.d/pgturret']],
    [['man'], ['man -l -']],
    [['shim'], ['build', 'install', 'status']],
    [
      ['shim', 'install'],
      ['--pg-config <PATH>', '--from-source'],
    ],
  ])('%p teaches', async (words, phrases) => {
    const { code, stdout } = await run([...words, '--help'])
    expect(code).toBe(0)
    for (const phrase of phrases) expect(stdout).toContain(phrase)
  })

  test('--version', async () => {
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^pgturret \d/) })
  })
})

describe('usage errors: status 2, every problem at once, nothing started', () => {
  const refused = async (argv: string[], phrases: string[], env: Record<string, string> = {}) => {
    const { code, stderr } = await run(argv, env)
    expect(code).toBe(2)
    for (const phrase of phrases) expect(stderr).toContain(phrase)
    return stderr
  }

  test('no such command', () => refused(['lisen'], ['lisen']))
  test('an option without its value', () => refused(['listen', '--socket'], ['--socket']))

  test('listen', () =>
    refused(
      [
        'listen',
        '--to',
        'ftp://x',
        '--to',
        'http',
        '--format',
        'xml',
        '--socket-mode',
        '9',
        '--queue',
        '1',
        'stray',
      ],
      [
        'ftp://x',
        '--to http',
        '--format: expected one of pretty, json, jsonlog, csvlog, logfmt, stderr, prototext',
        '--socket-mode: expected permission bits',
        '--queue: unknown option',
      ],
    ))

  test('a mistyped option is met with the one that was meant', () =>
    refused(['tail', CAPTURE, '--levle=ERROR'], ['--levle: unknown option; did you mean --level?']))

  test('a group, a folder and a file that are not there', () =>
    refused(
      ['listen', '--socket-group', 'no-such-group', '--to', 'file:///nonexistent/x.ndjson', '--dump', folder],
      ['no-such-group', '/nonexistent', '--dump'],
    ))

  test('dumps', () =>
    refused(
      ['replay', join(folder, 'missing'), folder, '--level', 'LOUD'],
      ['missing": no such file', 'is a folder', '--level'],
    ))

  test('no dump at all', () => refused(['replay'], ['expected the file of a dump']))

  test('flags of a destination that nothing is sent to', () =>
    refused(['listen', '--to', 'stdout', '--http-token', 'x'], ['--http-token: no --to sends to http']))

  test('an environment variable is named by its own name', () =>
    refused(['tail', CAPTURE], ['PGTURRET_LEVEL: expected one of'], { PGTURRET_LEVEL: 'LOUD' }))

  test('secrets are not repeated', async () => {
    const token = 'hunter2'
    const stderr = await refused(
      [
        'listen',
        '--to',
        `http://user:${token}@host/#x`,
        '--http-header',
        token,
        '--htp-token',
        token,
        '--to',
        `nope://u:${token}@h/?key=${token}`,
      ],
      ['--http-header', '--htp-token'],
    )
    expect(stderr).not.toContain(token)
  })
})

describe('replay', () => {
  test('delivers everything: status 0', async () => {
    const { code, stderr } = await run(['replay', CAPTURE, '--to', target('whole')])
    expect(code).toBe(0)
    expect(linesOf('whole').map((line) => JSON.parse(line).message)).toContain(
      'connection received: host=[local]',
    )
    expect(stderr).toMatch(/(\d+) records read; \1 delivered/)
  })

  test('a dump that is damaged: status 3, everything readable is delivered, the place is named', async () => {
    const bytes = readFileSync(CAPTURE)
    const damaged = join(folder, 'damaged.febe')
    writeFileSync(damaged, bytes.subarray(0, bytes.length - 3))
    await run(['replay', CAPTURE, '--to', target('sound')])
    const { code, stderr } = await run(['replay', damaged, '--to', target('damaged')])
    expect(code).toBe(3)
    expect(stderr).toMatch(/cut off.*offset=\d+/)
    expect(linesOf('damaged')).toEqual(linesOf('sound').slice(0, -1))
  })

  test('records that a destination refuses: status 4', async () => {
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => new Response('no', { status: 400 }),
    })
    const { code, stderr } = await run(['replay', CAPTURE, '--to', `http://127.0.0.1:${server.port}/`])
    await server.stop(true)
    expect(code).toBe(4)
    expect(stderr).toContain('rejected')
  })

  test('a destination that a person has to mend ends it: status 4, at once', async () => {
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => new Response('who?', { status: 401 }),
    })
    const { code, stderr } = await run(['replay', CAPTURE, '--to', `http://127.0.0.1:${server.port}/`])
    await server.stop(true)
    expect(code).toBe(4)
    expect(stderr).toContain('401')
  })

  test('several dumps, one after the other, and several destinations', async () => {
    const { code } = await run(['replay', CAPTURE, CAPTURE, '--to', target('one'), '--to', target('two')])
    expect(code).toBe(0)
    expect(linesOf('one').length % 2).toBe(0)
    expect(linesOf('two')).toEqual(linesOf('one'))
  })

  test('a threshold', async () => {
    await run(['replay', CAPTURE, '--to', target('errors'), '--level', 'log'])
    const severities = linesOf('errors')
      .filter(Boolean)
      .map((line) => JSON.parse(line).error_severity)
    expect(severities.length).toBeGreaterThan(0)
    expect(
      severities.every((severity) => ['LOG', 'WARNING', 'ERROR', 'FATAL', 'PANIC'].includes(severity)),
    ).toBe(true)
  })

  test('as a dump again: the same records', async () => {
    await run(['replay', CAPTURE, '--to', target('again.febe'), '--format', 'febe'])
    await run(['replay', join(folder, 'again.febe'), '--to', target('again')])
    await run(['replay', CAPTURE, '--to', target('first')])
    expect(linesOf('again')).toEqual(linesOf('first'))
  })
})
