import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { waitUntil } from '../support/wait-until.ts'

/** What a listener says of itself on stderr: for a program that collects it, or for the person at the terminal. */

const MAIN = join(import.meta.dir, '../../src/cli/main.ts')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync('/tmp/pgturret-own-log-')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const commandOf = (name: string): string[] => {
  const file = `file://${join(folder, name)}.ndjson`
  return [process.execPath, MAIN, 'listen', '--socket', join(folder, `${name}.sock`), '--to', file]
}

const environment = (): Record<string, string | undefined> => ({
  ...process.env,
  // Whatever the listener keeps by default, it keeps it here.
  HOME: folder,
  XDG_STATE_HOME: folder,
  XDG_DATA_HOME: folder,
})

describe('own log', () => {
  test('JSON when stderr is no terminal: an object a line, with time, level and message', async () => {
    const child = Bun.spawn(commandOf('json'), { stdout: 'ignore', stderr: 'pipe', env: environment() })
    let text = ''
    const reading = (async () => {
      const decoder = new TextDecoder()
      for await (const bytes of child.stderr) text += decoder.decode(bytes, { stream: true })
    })()
    await waitUntil(
      () => text,
      (said) => said.includes('listening on'),
      'the listener',
    )
    child.kill('SIGTERM')
    expect(await child.exited).toBe(0)
    await reading
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.length).toBeGreaterThanOrEqual(2)
    for (const line of lines) {
      expect(Object.keys(line).slice(0, 3)).toEqual(['time', 'level', 'message'])
      expect(['info', 'warn', 'error']).toContain(line.level)
      expect(new Date(line.time).toISOString()).toBe(line.time)
      expect(line.message).not.toBe('')
    }
  })

  test('sentences on a terminal', async () => {
    let screen = ''
    const child = Bun.spawn(commandOf('human'), {
      env: environment(),
      terminal: {
        cols: 200,
        rows: 30,
        data: (_, bytes) => {
          screen += new TextDecoder().decode(bytes)
        },
      },
    })
    await waitUntil(
      () => screen,
      (said) => said.includes('listening on'),
      'the listener',
    )
    child.kill('SIGTERM')
    expect(await child.exited).toBe(0)
    child.terminal?.close()
    for (const line of screen.trimEnd().split('\r\n')) expect(line).toStartWith('pgturret: ')
    expect(screen).not.toContain('"level"')
  })
})
