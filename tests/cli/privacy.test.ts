import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hello, log, ring } from '../ingest/frames.ts'
import { run } from './run.ts'

/** What `replay` and `tail` leave out, and how much of it. */

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-privacy-'))
  const records = Array.from({ length: 100 }, (_, i) =>
    log(i + 1, 2, {
      SessionId: `69a43c00.${(i % 20).toString(16)}`,
      TimeMicros: 1_772_366_400_000_000n + BigInt(i) * 100_000n,
      MessageId: 'statement: %s',
      ErrMessage: `statement: SELECT 'secret' -- ${i}`,
      UserQuery: i === 0 ? "ALTER ROLE eve PASSWORD 'hidden'" : "SELECT 'secret'",
      ELevel: i % 50 === 49 ? 21 : 15,
    }),
  )
  writeFileSync(join(folder, 'all.febe'), Buffer.concat([hello(), ring(7n, 1n), ...records]))
})
afterAll(() => rmSync(folder, { recursive: true }))

type Event = Record<string, unknown>

/** What arrives at a file, and how the command ended. */
async function replayed(words: readonly string[], env: Record<string, string> = {}): Promise<Event[]> {
  const out = join(folder, `${crypto.randomUUID()}.ndjson`)
  const ended = await run(['replay', join(folder, 'all.febe'), '--to', `file://${out}`, ...words], env)
  expect(ended).toMatchObject({ code: 0 })
  return readFileSync(out, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}

describe('replay', () => {
  test('leaves passwords out, and nothing else', async () => {
    const events = await replayed([])
    expect(events[0]!['statement']).toBe('ALTER ROLE eve PASSWORD ?')
    expect(events[1]!['statement']).toBe("SELECT 'secret'")
  })

  test('keeps them if told so', async () => {
    const [first] = await replayed(['--keep-passwords'])
    expect(first!['statement']).toBe("ALTER ROLE eve PASSWORD 'hidden'")
  })

  test('leaves literals out by a flag, or by the environment', async () => {
    for (const events of [
      await replayed(['--redact=literals']),
      await replayed([], { PGTURRET_REDACT: 'literals' }),
    ]) {
      expect(events).toHaveLength(100)
      expect(JSON.stringify(events)).not.toContain('secret')
    }
  })

  test('follows the configuration file: the top, and what a destination says itself', async () => {
    const file = join(folder, 'pgturret.toml')
    const [a, b] = [join(folder, 'a.ndjson'), join(folder, 'b.ndjson')]
    writeFileSync(
      file,
      `redact = ["literals"]\n[exporters.a]\nurl = "file://${a}"\n[exporters.b]\nurl = "file://${b}"\nredact = ["none"]\n`,
    )
    const words = ['replay', join(folder, 'all.febe'), '--config', file, '--to', 'a', '--to', 'b']
    expect(await run(words)).toMatchObject({ code: 0 })
    expect(readFileSync(a, 'utf8')).not.toContain('secret')
    expect(readFileSync(b, 'utf8')).toContain('secret')
  })

  test('what cannot be read is said once, and nothing is sent', async () => {
    const { code, stderr } = await run(['replay', join(folder, 'all.febe'), '--redact=everything'])
    expect(code).toBe(2)
    expect(
      stderr.match(/--redact: expected one or more of literals, statements, parameters, or none/g),
    ).toHaveLength(1)
  })

  test('a sample has whole sessions, and every error', async () => {
    const events = await replayed(['--sample', '30%'])
    const bySession = Map.groupBy(events, (event) => event['session_id'])
    const errors = events.filter((event) => event['error_severity'] === 'ERROR')
    expect(errors).toHaveLength(2)
    for (const all of bySession.values()) expect([1, 5]).toContain(all.length)
    expect(events.length).toBeLessThan(60)
    expect(await replayed(['--sample', '30%'])).toEqual(events)
    expect(
      (await replayed(['--sample', '30%', '--sample-level', 'PANIC'])).every(
        (one) => bySession.get(one['session_id'])!.length === 5,
      ),
    ).toBe(true)
  })

  test('a limit says what it left out, also at the end', async () => {
    const events = await replayed(['--rate-limit', '4/s'])
    const notes = events.filter((event) => String(event['message']).startsWith('pgturret: left out'))
    expect(events.length).toBe(10 * 4 + 10)
    expect(new Set(notes.map((note) => note['uid'])).size).toBe(10)
    expect(notes[9]).toMatchObject({
      error_severity: 'LOG',
      message: 'pgturret: left out 6 more records of "statement: %s" (rate limit 4/1s)',
      message_id: 'pgturret: left out %s more records of "%s" (rate limit %s)',
      backend_type: 'pgturret',
    })
    expect(events.at(-1)).toEqual(notes[9]!)
  })

  test('a dump of it can be read again, notes and all', async () => {
    const dump = join(folder, 'less.febe')
    const words = [
      'replay',
      join(folder, 'all.febe'),
      '--format',
      'febe',
      '--to',
      `file://${dump}`,
      '--rate-limit',
      '4/s',
      '--redact=literals',
    ]
    expect(await run(words)).toMatchObject({ code: 0 })
    const out = join(folder, 'again.ndjson')
    expect(await run(['replay', dump, '--to', `file://${out}`])).toMatchObject({ code: 0 })
    const direct = await replayed(['--rate-limit', '4/s', '--redact=literals'])
    expect(
      readFileSync(out, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line)),
    ).toEqual(direct)
  })
})
