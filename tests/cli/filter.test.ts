import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readDestinations } from '../../src/cli/destinations.ts'
import { outletRequest } from '../../src/cli/outlet-requests.ts'
import { readSources } from '../../src/cli/settings.ts'
import { encodeIdentity, encodeRing, encodeVersion } from '../../src/codec/control.ts'
import { encodeLog, type LogFields } from '../../src/codec/log.ts'
import { elevelOf } from '../../src/codec/severity.ts'
import { makeLog } from '../../src/log.ts'
import { recordOf } from '../record/records.ts'
import { run } from './run.ts'

const BASE: LogFields = {
  ELevel: elevelOf(15, 'LOG'),
  Encoding: 'UTF8',
  LogTime: '2026-11-21 02:00:00.000 UTC',
}
const RECORDS: readonly LogFields[] = [
  { ...BASE, ErrMessage: 'checkpoint starting', TimeMicros: 1795226400000000n },
  {
    ...BASE,
    ELevel: elevelOf(15, 'ERROR'),
    SQLState: '40P01',
    DatabaseName: 'shop',
    UserName: 'app',
    Pid: 7,
    ErrMessage: 'deadlock detected',
    TimeMicros: 1795226401000000n,
  },
  {
    ...BASE,
    DatabaseName: 'shop',
    UserName: 'etl',
    ErrMessage: 'duration: 300.000 ms  statement: SELECT 1',
    MessageId: 'duration: %s ms  statement: %s',
    TimeMicros: 1795226402000000n,
  },
]

let folder = ''
let dump = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgturret-filter-'))
  dump = join(folder, 'pg.febe')
  const head = [encodeVersion({ server: '15.20', protocol: 2 }), encodeIdentity('shop')]
  const ring = encodeRing({ bootId: 1n, nextSequence: 1n })
  writeFileSync(dump, Buffer.concat([...head, ring, ...RECORDS.map((fields) => encodeLog(fields, 2))]))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('filter check', () => {
  test('explains an expression', async () => {
    const { code, stdout } = await run(['filter', 'check', 'dbname=="shop" && message.matches("dead.*k")'])
    expect(code).toBe(0)
    expect(stdout).toContain('understood as  dbname == "shop" && message.matches("dead.*k")\n')
    expect(stdout).toContain('reads          dbname (string), message (string)\n')
    expect(stdout).toContain('pattern        dead.*k: by RE2\n')
  })

  test('counts in dumps, shows the first, and who has what it reads', async () => {
    const words = ['filter', 'check', 'dbname == "shop"', dump, '--records', '1']
    const { code, stdout } = await run(words)
    expect(code).toBe(0)
    expect(stdout).toContain('app@shop')
    expect(stdout).not.toContain('etl@shop')
    expect(stdout).toContain('2 of 3 records match, the first 1 of them above\ndbname: 2 of them have it\n')
  })

  test('says what cannot be computed', async () => {
    const { stdout } = await run(['filter', 'check', '1 / pid > 0', dump])
    expect(stdout).toContain('division by zero: 2 times')
  })

  test('a bad expression is status 2, with the spot', async () => {
    const { code, stderr } = await run(['filter', 'check', 'dbnam == "shop"', join(folder, 'none')])
    expect(code).toBe(2)
    expect(stderr).toContain('did you mean dbname?\n      dbnam == "shop"\n      ^^^^^\n')
    expect(stderr).toContain('no such file')
    expect(await run(['filter', 'check'])).toMatchObject({ code: 2 })
  })

  test('a damaged dump is status 3, and everything readable is counted', async () => {
    const damaged = join(folder, 'damaged.febe')
    writeFileSync(damaged, readFileSync(dump).subarray(0, -5))
    const { code, stdout } = await run(['filter', 'check', 'true', damaged])
    expect(code).toBe(3)
    expect(stdout).toContain('2 of 2 records match')
    expect(stdout).toContain('it is true whatever the record is')
  })
})

describe('replay', () => {
  const replayed = async (...words: string[]): Promise<string[]> => {
    const out = join(folder, 'out.ndjson')
    rmSync(out, { force: true })
    const { code, stderr } = await run(['replay', dump, '--to', `file://${out}`, ...words])
    if (code !== 0) throw new Error(stderr)
    const lines = readFileSync(out, 'utf8').trimEnd().split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line).message.split(' ')[0])
  }

  test.each([
    [['--no-log-level'], ['deadlock']],
    [['--db', 'shop', '--user', 'app', '--user', 'x'], ['deadlock']],
    [['--sqlstate', '40*'], ['deadlock']],
    [['--sqlstate=deadlock_detected', '--pid=7'], ['deadlock']],
    [['--slow', '250ms'], ['duration:']],
    [['--grep', '(?i)CHECK'], ['checkpoint']],
    [
      ['--filter', 'duration_ms > 250 || level >= ERROR'],
      ['deadlock', 'duration:'],
    ],
    [['--since', '2026-11-21T02:00:01Z', '--until', '2026-11-21 02:00:02Z'], ['deadlock']],
  ])('%p', async (words, messages) => {
    expect(await replayed(...words)).toEqual(messages)
  })

  test('everything that is wrong is said at once', async () => {
    const { code, stderr } = await run([
      ...[
        'replay',
        dump,
        '--filter',
        'level >= "ERROR"',
        '--grep',
        '(',
        '--sqlstate',
        'x',
        '--since',
        'soon',
      ],
      ...['--slow', '1'],
    ])
    expect(code).toBe(2)
    for (const flag of ['--filter: level', '--grep: the', '--sqlstate: expected', '--since: ', '--slow: ']) {
      expect(stderr).toContain(flag)
    }
    const turned = await run(['tail', dump, '--since', 'now', '--until', 'yesterday'])
    expect(turned).toMatchObject({ code: 2, stderr: expect.stringContaining('is not after --since') })
  })
})

describe('an exporter of the configuration file', () => {
  const requests = (toml: string) => {
    const path = join(folder, 'pgturret.toml')
    writeFileSync(path, toml)
    const problems: string[] = []
    const given = { flags: { config: path }, env: {} }
    const { file } = readSources(given, problems)
    const asked = [...(file?.exporters.keys() ?? [])].map((to) => ({ to, format: 'json' as const }))
    const destinations = readDestinations(asked, given, problems, file)
    const said: string[] = []
    const log = makeLog((line) => said.push(line), true)
    return {
      problems,
      said,
      outlets: destinations.map((one) => outletRequest(one, { color: false, everywhere: false }, log)),
    }
  }
  const exporter = (name: string, ...lines: string[]): string =>
    `[exporters.${name}]\nurl = "file:///dev/null"\n${lines.join('\n')}\n`

  test('has a filter of its own, and shares its encoding with those of the same filter', () => {
    const { problems, outlets } = requests(
      exporter('a', `filter = 'dbname == "shop"'`, 'no_log_level = true') +
        exporter('b', `filter = 'dbname == "shop"'`, 'no_log_level = true') +
        exporter('c', `filter = 'dbname == "other"'`) +
        exporter('d'),
    )
    expect(problems).toEqual([])
    const wanted = (index: number) => RECORDS.map((one) => outlets[index]!.wanted?.(recordOf(one)))
    expect(wanted(0)).toEqual([false, true, false])
    expect(wanted(2)).toEqual([false, false, false])
    expect(outlets[3]!.wanted).toBeUndefined()
    expect(outlets[0]!.encoding).toBe(outlets[1]!.encoding)
    expect(new Set(outlets.map(({ encoding }) => encoding)).size).toBe(3)
  })

  test('a bad filter is refused with its line; what cannot be computed is said once', () => {
    expect(requests(exporter('a', 'filter = "dbnam == 1"')).problems.join()).toContain(
      'pgturret.toml:3: exporters.a.filter: dbnam: there is no such key; did you mean dbname?',
    )
    const { outlets, said } = requests(exporter('a', `filter = "1 / pid > 0"`))
    for (const one of [...RECORDS, ...RECORDS]) outlets[0]!.wanted!(recordOf(one))
    expect(said).toHaveLength(1)
    expect(said[0]).toContain('cannot be computed for some records')
  })
})
