import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import { configFolder } from '../config/folder.ts'
import { run } from './run.ts'

const folder = configFolder()

let server: Bun.Server<undefined>
let seen: { method: string; authorization: string | null; type: string | null; body: string }[] = []
let answers: Readonly<Record<string, number>> = {}

beforeAll(() => {
  server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      const { method, headers } = request
      const body = await request.text()
      seen.push({
        method,
        authorization: headers.get('Authorization'),
        type: headers.get('Content-Type'),
        body,
      })
      return new Response(null, { status: answers[method] ?? 405 })
    },
  })
})
afterAll(() => server.stop(true))
beforeEach(() => {
  seen = []
  answers = {}
})

const url = () => `http://127.0.0.1:${server.port}/in`

describe('an HTTP endpoint', () => {
  test.each([
    [{ HEAD: 200 }, 0, 'ok   .*answered 200 in \\d+ ms'],
    [{ HEAD: 405, OPTIONS: 405 }, 0, 'ok   .*answered 405'],
    [{ HEAD: 404, OPTIONS: 204 }, 0, 'ok   .*answered 204'],
    [{ HEAD: 501, OPTIONS: 501 }, 0, 'ok   .*answered 501'],
    [{ HEAD: 400 }, 0, 'ok   .*answered 400'],
    [{ HEAD: 401 }, 4, 'FAIL .*answered 401'],
    [{ HEAD: 403 }, 4, 'FAIL .*answered 403'],
    [{ HEAD: 404, OPTIONS: 404 }, 4, 'FAIL .*answered 404'],
    [{ HEAD: 407 }, 4, 'FAIL .*answered 407'],
    [{ HEAD: 405, OPTIONS: 401 }, 4, 'FAIL .*answered 401'],
    [{ HEAD: 503 }, 4, 'FAIL .*answered 503'],
    [{ HEAD: 301 }, 4, 'FAIL .*redirects are not followed'],
  ])('that answers %p: status %p', async (said, status, line) => {
    answers = said
    const { code, stdout } = await run(['check', '--to', url()])
    expect(stdout).toMatch(new RegExp(`^${line}.*\n$`))
    expect(code).toBe(status)
  })

  test('gets the credentials, and nothing that it could take for a record', async () => {
    const flags = ['--http-token', 'hunter2', '--http-compression', 'gzip']
    const { stdout } = await run(['check', '--to', `${url()}?key=hunter2`, ...flags])
    expect(seen.map(({ method }) => method)).toEqual(['HEAD', 'OPTIONS'])
    for (const one of seen)
      expect(one).toMatchObject({ authorization: 'Bearer hunter2', type: null, body: '' })
    expect(stdout).not.toContain('hunter2')
  })

  test('that nobody listens on: status 4, with the reason', async () => {
    const closed = Bun.listen({ port: 0, hostname: '127.0.0.1', socket: { data: () => undefined } })
    const { port } = closed
    closed.stop(true)
    const { code, stdout } = await run(['check', '--to', `http://127.0.0.1:${port}/`])
    expect(code).toBe(4)
    expect(stdout).toMatch(/^FAIL http-[0-9a-f]{8} {2}http:\/\/127\.0\.0\.1:\d+\/ {2}could not connect \(/)
  })

  test('that never answers does not hold the others up', async () => {
    const silent = Bun.listen({ port: 0, hostname: '127.0.0.1', socket: { data: () => undefined } })
    const argv = ['--to', `http://127.0.0.1:${silent.port}/`, '--http-timeout', '50ms', '--to', 'stdout']
    const { code, stdout } = await run(['check', ...argv])
    silent.stop(true)
    expect(code).toBe(4)
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^FAIL .*no answer within 50 ms$/),
      expect.stringMatching(/^ok {3}stdout/),
      '',
    ])
  })
})

describe('a file', () => {
  test('that is not there is not made', async () => {
    const path = folder.path('new.ndjson')
    const { code, stdout } = await run(['check', '--to', `file://${path}`])
    expect(code).toBe(0)
    expect(stdout).toContain(`${path}  will be created`)
    expect(existsSync(path)).toBe(false)
  })

  test('that is there is not touched', async () => {
    const path = folder.write('old.ndjson', '{"torn')
    const { code, stdout } = await run(['check', '--to', `file://${path}`, '--file-max-size', '1'])
    expect(code).toBe(0)
    expect(stdout).toContain(`${path}  can be written`)
    expect(readFileSync(path, 'utf8')).toBe('{"torn')
  })

  test('a device, and a pipe that nobody reads', async () => {
    const pipe = folder.path('pipe')
    expect(Bun.spawnSync(['mkfifo', pipe]).success).toBe(true)
    const { code, stdout } = await run(['check', '--to', 'file:///dev/null', '--to', `file://${pipe}`])
    expect(code).toBe(0)
    expect(stdout.match(/can be written/g)).toHaveLength(2)
  })
})

test('the destinations of the configuration, a line each in its order', async () => {
  answers = { HEAD: 200 }
  const path = folder.write(
    'c.toml',
    `[exporters.far]\nurl = "${url()}"\n[exporters.screen]\ntype = "stdout"\n`,
  )
  const { code, stdout } = await run(['check', '--config', path])
  expect(code).toBe(0)
  const lines = stdout.trimEnd().split('\n')
  expect(lines).toHaveLength(2)
  expect(lines[0]).toStartWith(`ok   far     ${url()}  answered`)
  expect(lines[1]).toStartWith('ok   screen  stdout')
  expect((await run(['check', '--config', path, '--to', 'screen'])).stdout).toStartWith('ok   screen')
})

test('usage: status 2', async () => {
  expect(await run(['check', '--to', 'ftp://h', '--nope'])).toMatchObject({ code: 2, stdout: '' })
})
