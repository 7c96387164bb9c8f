import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readStatus } from '../../src/observe/read-status.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync('/tmp/pgturret-ask-')
  chmodSync(folder, 0o755)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What is said of a server that answers like this. */
async function problemWith(name: string, respond: () => Response | Promise<Response>): Promise<string> {
  const path = join(folder, name)
  const server = Bun.serve({ unix: path, fetch: respond })
  try {
    return (await readStatus(path)).problem ?? 'none'
  } finally {
    await server.stop(true)
  }
}

describe('a sentence for', () => {
  test('nobody there', async () => {
    const path = join(folder, 'nobody')
    expect(await readStatus(path)).toEqual({
      problem: `no listener answers at "${path}"; is "pgturret listen" running? give its --socket`,
    })
  })

  test('a path that is too long', async () => {
    const { problem } = await readStatus(join(folder, 'x'.repeat(200)))
    expect(problem).toContain('too long for a socket')
  })

  test.each([
    ['an error', () => new Response('{}', { status: 500 })],
    ['another program', () => new Response('hello')],
    ['another object', () => new Response('{}')],
    ['more than a status can be', () => new Response(' '.repeat(5 * 1024 ** 2))],
    ['no length', () => new Response(new ReadableStream({ start: (out) => out.close() }))],
    ['a way to somewhere else', () => Response.redirect('http://127.0.0.1:1/', 302)],
  ])('%s', async (name, respond) => {
    expect(await problemWith(name.replaceAll(' ', '-'), respond)).toMatch(
      /is no pgturret listener|could not ask/,
    )
  })

  // Only root can become somebody else.
  test.if(process.getuid?.() === 0 && Bun.which('setpriv') !== null)('no permission', async () => {
    const path = join(folder, 'forbidden')
    const server = Bun.serve({ unix: path, fetch: () => new Response() })
    chmodSync(path, 0o600)
    const program = join(folder, 'ask.js')
    const built = await Bun.build({
      entrypoints: [join(import.meta.dir, '../../src/observe/read-status.ts')],
    })
    await Bun.write(program, `${await built.outputs[0]!.text()}\nconsole.log(await readStatus('${path}'))`)
    // The runtime itself may lie where others cannot look.
    const runtime = join(folder, 'runtime')
    copyFileSync(process.execPath, runtime)
    chmodSync(runtime, 0o755)
    const words = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', runtime, program]
    const child = Bun.spawn(words, { stdout: 'pipe', stderr: 'inherit', cwd: '/', env: { HOME: folder } })
    expect(await new Response(child.stdout).text()).toContain('not allowed to ask the listener')
    await server.stop(true)
  })
})
