import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accountsOf, mayUse, ownedText } from '../../src/doctor/accounts.ts'
import { examineClock } from '../../src/doctor/clock.ts'
import { examineConfiguration } from '../../src/doctor/configuration.ts'
import { examineDestinations } from '../../src/doctor/destinations.ts'
import { examine, worst } from '../../src/doctor/examine.ts'
import { broken, ok, shellWord, warn } from '../../src/doctor/finding.ts'
import { examineJournal } from '../../src/doctor/journal.ts'
import { examineLimits } from '../../src/doctor/limits.ts'
import { examineListener } from '../../src/doctor/listener.ts'
import { reportJson, reportText } from '../../src/doctor/report.ts'
import { runInTime } from '../../src/doctor/run.ts'
import { examineService } from '../../src/doctor/service.ts'
import { FolderLock } from '../../src/journal/lock.ts'
import { exporterSnapshot, journalSnapshot, listenerSnapshot } from '../observe/snapshots.ts'
import { GROUP, healthy, PASSWD, silent, surroundings } from './stage.ts'

let root = ''
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'pgturret-doctor-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

let folders = 0
const folder = (): string => {
  const path = join(root, `f${folders++}`)
  mkdirSync(path)
  return path
}

describe('accounts', () => {
  const accounts = accountsOf(PASSWD, GROUP)
  test('know users with all their groups', () => {
    expect(accounts.user('postgres')).toEqual({ name: 'postgres', uid: 70, gids: new Set([71, 80]) })
    expect(accounts.user('nobody')).toBeUndefined()
    expect(ownedText({ mode: 0o100660, uid: 0, gid: 99 }, accounts)).toBe('0660 root:99')
  })

  test.each([
    [0o660, 0, 71, true],
    [0o660, 0, 80, true],
    [0o660, 0, 0, false],
    [0o666, 0, 0, true],
    [0o600, 70, 0, true],
    // The owner's bits count for the owner, however open the others are.
    [0o066, 70, 71, false],
    [0o606, 0, 71, false],
  ])('mode %o of %p:%p lets postgres write: %p', (mode, uid, gid, may) => {
    expect(mayUse(accounts.user('postgres')!, { mode, uid, gid }, 2)).toBe(may)
  })
})

describe('configuration', () => {
  const none = { path: undefined, problems: [], secretFiles: [], holdsSecret: false }
  test('problems are broken, and what another user may read is not', async () => {
    const problems = [
      'c.toml:3: levle: unknown key',
      'could not read the file "/x": EACCES: permission denied',
    ]
    const look = (uid: number) =>
      examineConfiguration(surroundings({ uid, configuration: { ...none, path: 'c.toml', problems } }))
    expect((await look(0)).map(({ state }) => state)).toEqual(['broken', 'broken'])
    expect((await look(1000)).map(({ state }) => state)).toEqual(['broken', 'warn'])
    expect((await look(0))[0]!.advice).toBe('pgturret config check c.toml')
  })

  test('a variable that only the listener has', async () => {
    const problems = ['c.toml:3: exporters.a.token: environment variable "TOKEN" is not set']
    const configuration = { ...none, path: 'c.toml', problems }
    expect(await examineConfiguration(surroundings({ configuration }))).toEqual([
      expect.objectContaining({ state: 'warn', said: expect.stringContaining('an environment of its own') }),
    ])
    expect(await examineConfiguration(surroundings({ configuration, status: silent }))).toEqual([
      expect.objectContaining({ state: 'broken' }),
    ])
  })

  test('secrets that everybody can read', async () => {
    const path = join(folder(), 'token')
    writeFileSync(path, 'hunter2')
    const look = async (mode: number, holdsSecret: boolean) => {
      chmodSync(path, mode)
      const configuration = {
        ...none,
        ...(holdsSecret ? { path, holdsSecret } : { secretFiles: [path, path] }),
      }
      return (await examineConfiguration(surroundings({ configuration }))).slice(1)
    }
    for (const inFile of [true, false]) {
      expect(await look(0o644, inFile)).toEqual([
        {
          state: 'warn',
          said: expect.stringContaining('everybody'),
          advice: expect.stringContaining(`chmod o-r ${path};`),
        },
      ])
      expect(await look(0o640, inFile)).toEqual([])
    }
  })
})

describe('listener', () => {
  const look = async (differences: Partial<typeof healthy>) =>
    examineListener(surroundings({ status: { snapshot: { ...healthy, ...differences } } }))
  const states = async (differences: Partial<typeof healthy>) =>
    (await look(differences)).map(({ state }) => state)

  test('one that is well', async () => {
    expect(await states({})).toEqual(['ok'])
  })
  test('another version, told to stop, not listening, losses', async () => {
    expect(await states({ version: '0.0.1' })).toEqual(['ok', 'warn'])
    expect(await states({ stopping: true })).toEqual(['ok', 'warn'])
    expect(await states({ listener: listenerSnapshot({ listening: false, refused: {} }) })).toEqual([
      'broken',
    ])
    const lossy = await look({
      listener: listenerSnapshot({ droppedBySender: 5n, droppedHere: { journal_full: 7 }, waiting: true }),
    })
    expect(lossy.map(({ said }) => said).join('\n')).toMatch(
      /wait.*dropped 5 records.*journal_full 7.*malformed_frame 1/s,
    )
  })
  test('none is broken; one that this user may not ask is not', async () => {
    const look = (problem: string) => examineListener(surroundings({ status: { problem } }))
    expect((await look(silent.problem))[0]!.state).toBe('broken')
    expect((await look('not allowed to ask the listener'))[0]!.state).toBe('warn')
  })
})

describe('journal', () => {
  const look = (differences: Parameters<typeof surroundings>[0]) =>
    examineJournal(surroundings({ status: silent, ...differences }))

  test('a folder that is fine, and one that is not there yet', async () => {
    expect(await look({ journal: folder() })).toEqual([
      { state: 'ok', said: expect.stringContaining('0 B of at most 4.0 GB') },
    ])
    expect(await look({ journal: join(root, 'none') })).toEqual([expect.objectContaining({ state: 'warn' })])
  })

  test('a file in its place, or above it', async () => {
    const path = join(folder(), 'file')
    writeFileSync(path, '')
    expect(await look({ journal: path })).toEqual([expect.objectContaining({ state: 'broken' })])
    expect(await look({ journal: join(path, 'below') })).toEqual([
      expect.objectContaining({ state: 'broken', said: expect.stringContaining('ENOTDIR') }),
    ])
  })

  test('little room, and nearly as much as it may have', async () => {
    const journal = folder()
    const disk = { ...surroundings().disk, space: async () => ({ free: 150, total: 100_000 }) }
    const limits = { journalBytes: 1000, freeBytes: 0, connections: 1 }
    const state = async (freeBytes: number) =>
      (await look({ journal, disk, limits: { ...limits, freeBytes } }))[0]!.state
    expect([await state(50), await state(100), await state(200)]).toEqual(['ok', 'warn', 'broken'])
    writeFileSync(join(journal, '00000000000000000000.febe'), Buffer.alloc(990))
    expect((await look({ journal, disk, limits }))[0]).toMatchObject({
      state: 'warn',
      said: expect.stringContaining('make room'),
    })
  })

  test('a lock that nobody answers for, and one that its listener does not hold', async () => {
    const journal = folder()
    const lock = new FolderLock(journal)
    expect((await look({ journal })).at(-1)).toMatchObject({
      state: 'broken',
      said: expect.stringContaining(`process ${process.pid} holds the journal`),
    })
    const snapshot = { ...healthy, journal: journalSnapshot({ folder: journal }) }
    const own = { snapshot: { ...snapshot, pid: process.pid } }
    expect((await look({ journal, status: own })).map(({ state }) => state)).toEqual(['ok'])
    expect((await look({ journal, status: { snapshot } })).map(({ state }) => state)).toEqual(['ok', 'warn'])
    lock.release()
    expect((await look({ journal, status: own })).at(-1)!.said).toContain('does not hold the lock')
  })

  test('what the listener says of it: failing, trouble that is over, damage', async () => {
    const journal = folder()
    const said = async (differences: Partial<ReturnType<typeof journalSnapshot>>) => {
      const snapshot = { ...healthy, journal: journalSnapshot({ folder: '/elsewhere', ...differences }) }
      return (await look({ journal, status: { snapshot } })).slice(1)
    }
    expect(await said({ state: 'failing', lastError: 'fsync: EIO' })).toEqual([
      expect.objectContaining({ state: 'broken', said: 'the journal is failing: fsync: EIO' }),
    ])
    expect(await said({ state: 'full' })).toEqual([
      expect.objectContaining({ state: 'broken', advice: 'make room on the disk' }),
    ])
    expect(await said({ lastError: 'fsync: EIO', damagedBytes: 10 })).toEqual([
      expect.objectContaining({ state: 'warn' }),
      expect.objectContaining({ state: 'warn', said: '10 B were found damaged and passed over' }),
    ])
  })

  test('damaged files that are kept', async () => {
    const journal = folder()
    writeFileSync(join(journal, '00000000000000000000.febe.damaged'), '')
    expect((await look({ journal })).at(-1)!.said).toBe('1 damaged file is kept beside the journal')
  })

  test('in memory there is nothing to look at', async () => {
    expect(await look({})).toEqual([expect.objectContaining({ state: 'ok' })])
  })
})

describe('clock', () => {
  test('one that was set back, and one that NTP does not keep', async () => {
    const journal = folder()
    const segment = join(journal, '00000000000000000000.febe')
    writeFileSync(segment, '')
    const run = async () => ({ code: 0, stdout: 'no\n', stderr: '' })
    const hour = 3_600_000
    utimesSync(segment, new Date(), new Date())
    const look = (now: number) => examineClock(surroundings({ journal, status: silent, run, now: () => now }))
    expect((await look(Date.now() + hour))[0]).toMatchObject({
      state: 'ok',
      said: expect.stringContaining('written 1h ago'),
    })
    const back = await look(Date.now() - hour)
    expect(back.map(({ state }) => state)).toEqual(['warn', 'warn'])
    expect(back[0]!.said).toMatch(/records were written (1h|59m 59s) later: the clock was set back/)
    expect(back[1]!.advice).toBe('timedatectl set-ntp true')
  })
})

describe('service', () => {
  const look = (stdout: string, running = true) =>
    examineService(
      surroundings({
        systemd: '/',
        run: async () => ({ code: 0, stdout, stderr: '' }),
        ...(running ? {} : { status: silent }),
      }),
    )
  test.each([
    ['LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=0', true, 'ok'],
    ['LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=9', true, 'warn'],
    ['LoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code', false, 'broken'],
    ['LoadState=loaded\nActiveState=inactive\nSubState=dead', false, 'broken'],
    ['LoadState=loaded\nActiveState=inactive\nSubState=dead', true, 'warn'],
    ['LoadState=not-found\nActiveState=inactive', true, 'ok'],
    ['LoadState=not-found\nActiveState=inactive', false, 'warn'],
  ])('%j, a listener that answers: %p: %s', async (stdout, running, state) => {
    expect((await look(stdout, running)).map((finding) => finding.state)).toEqual([state as 'ok'])
  })
  test('without systemd there is nothing to say', async () => {
    expect(await examineService(surroundings())).toEqual([])
  })
})

describe('limits', () => {
  const proc = (most: string, open: number, available: number): string => {
    const path = folder()
    mkdirSync(join(path, '4242/fd'), { recursive: true })
    writeFileSync(
      join(path, '4242/limits'),
      `Limit   Soft Limit  Hard Limit  Units\nMax open files   ${most}   9999999  files\n`,
    )
    writeFileSync(join(path, '4242/status'), 'Name: x\nVmRSS:\t  51200 kB\n')
    writeFileSync(join(path, 'meminfo'), `MemTotal:  8388608 kB\nMemAvailable:  ${available} kB\n`)
    for (let i = 0; i < open; i++) writeFileSync(join(path, '4242/fd', String(i)), '')
    return path
  }
  test.each([
    ['16384', 12, 4_000_000, ['ok', 'ok']],
    ['unlimited', 12, 4_000_000, ['ok', 'ok']],
    ['1024', 12, 4_000_000, ['warn', 'ok']],
    ['12', 12, 4_000_000, ['broken', 'ok']],
    ['16384', 12, 100_000, ['ok', 'warn']],
  ])('%s files, %p open, %p kB available: %p', async (most, open, available, states) => {
    const found = await examineLimits(surroundings({ proc: proc(most, open, available) }))
    expect(found.map(({ state }) => state)).toEqual(states as ['ok'])
    expect(found[1]!.said).toContain('the listener uses 50 MB')
  })
})

describe('destinations', () => {
  test('what cannot be reached, and what the listener says of each', async () => {
    const reach = async () => broken('could not connect (ECONNREFUSED)', 'pgturret check --to far')
    const exporters = [
      exporterSnapshot({ name: 'well' }),
      exporterSnapshot({ name: 'far', state: 'retrying', lastError: 'ECONNREFUSED' }),
      exporterSnapshot({ name: 'shut', state: 'blocked', lastError: '401' }),
      exporterSnapshot({
        name: 'slow',
        lagSeconds: 600,
        rejected: 2,
        deadLetters: 2,
        dropped: { retention: 9 },
      }),
    ]
    const found = await examineDestinations(
      surroundings({
        destinations: [{ name: 'far', label: 'https://far/', reach }],
        status: { snapshot: { ...healthy, exporters } },
      }),
    )
    expect(found.map(({ state, said }) => `${state} ${said}`)).toEqual([
      'broken far (https://far/): could not connect (ECONNREFUSED)',
      'broken the listener is retrying with far: ECONNREFUSED',
      'broken the listener is blocked with shut: 401',
      'warn slow is 567 records behind, the oldest 10m old',
      'warn slow refused 2 records, 2 are kept',
      'warn slow never got 9 records (retention)',
    ])
  })
})

describe('the report', () => {
  const findings = [
    { what: 'socket', ...ok('fine') },
    { what: 'journal', ...warn('a \x1b[31mforged\n✓ line', 'df -h') },
    { what: 'journal', ...broken('bad') },
  ]
  test('a line each, what to do below it, nothing that a terminal would act on', () => {
    expect(reportText(findings, false).split('\n')).toEqual([
      '✓ socket   fine',
      '! journal  a \\x1b[31mforged\\n✓ line',
      '           → df -h',
      '✗          bad',
      '',
      '1 thing is broken; 1 thing is worth a look.',
      '',
    ])
    expect(reportText(findings, true)).toContain('\x1b[31m✗')
    expect(reportText([findings[0]!], false)).toEndWith('\nEverything is fine.\n')
  })
  test('as JSON every key is there', () => {
    expect(JSON.parse(reportJson(findings))).toMatchObject({
      state: 'broken',
      findings: [{ what: 'socket', state: 'ok', said: 'fine', advice: null }, {}, {}],
    })
  })
  test('the worst of some', () => {
    expect([worst([]), worst([ok('')]), worst([warn(''), ok('')]), worst(findings)]).toEqual([
      'ok',
      'ok',
      'warn',
      'broken',
    ])
  })
})

describe('every check ends', () => {
  test('one that hangs and one that fails are findings', async () => {
    const found = await examine(surroundings(), 20, [
      ['hangs', () => new Promise(() => undefined)],
      ['fails', () => Promise.reject(new Error('EIO'))],
      ['works', async () => [ok('fine')]],
    ])
    expect(found.map(({ what, state, said }) => [what, state, said])).toEqual([
      ['hangs', 'warn', 'could not be looked at within 0.02 s'],
      ['fails', 'warn', 'could not be looked at: EIO'],
      ['works', 'ok', 'fine'],
    ])
  })

  test('a program that hangs is killed', async () => {
    expect(
      await runInTime(['sh', '-c', 'echo begun; exec sleep 60'], { PATH: process.env['PATH'] }, 300),
    ).toMatchObject({
      code: undefined,
      stdout: 'begun\n',
    })
    // One that leaves another behind, which holds its output open.
    const parent = ['sh', '-c', 'sleep 600 & echo $!; wait']
    const { code, stdout } = (await runInTime(parent, { PATH: process.env['PATH'] }, 300))!
    expect(stdout).toMatch(/^\d+\n$/)
    process.kill(Number(stdout))
    expect(code).toBeUndefined()
    expect(await runInTime(['/nonexistent/program'], {}, 300)).toBeUndefined()
    expect(await runInTime(['sh', '-c', 'exit 3'], { PATH: process.env['PATH'] }, 5000)).toMatchObject({
      code: 3,
    })
  })
})

test('paths as a shell takes them', () => {
  expect([shellWord('/var/lib/x-1.y'), shellWord("/a b/it's")]).toEqual(['/var/lib/x-1.y', "'/a b/it'\\''s'"])
})
