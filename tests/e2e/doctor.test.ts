import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { runBinary } from '../support/binary.ts'
import { type ListenerProcess, startListener } from '../support/listener-process.ts'
import { Cluster } from '../support/postgres.ts'
import { waitUntil } from '../support/wait-until.ts'

/** `pgturret doctor` beside a real PostgreSQL: not loaded, loaded, told another socket, connected. */

let cluster: Cluster
let listener: ListenerProcess | undefined
let socket = ''
beforeAll(async () => {
  cluster = await Cluster.create({ shim: true })
  socket = join(cluster.dir, 'log.sock')
  cluster.set('shared_preload_libraries', '')
  await cluster.start()
}, 60_000)
afterAll(async () => {
  await listener?.stop()
  await cluster.remove()
})

interface Finding {
  readonly what: string
  readonly state: string
  readonly said: string
  readonly advice: string | null
}

/** What it finds about the module, but for the files of it: those are of whatever was built here. */
async function found(): Promise<Finding[]> {
  const env = { PGHOST: cluster.socketDir, PGPORT: String(cluster.port), PGUSER: 'postgres' }
  const { stdout, stderr } = await runBinary(['doctor', '--json', '--socket', socket], {
    cwd: cluster.dir,
    env,
  })
  if (stdout === '') throw new Error(stderr)
  const { findings } = JSON.parse(stdout) as { findings: Finding[] }
  return findings.filter(({ what, said }) => what === 'module' && !/^(not )?installed/.test(said))
}

test('no server', async () => {
  const { stdout } = await runBinary(['doctor', '--socket', socket], {
    cwd: cluster.dir,
    env: { PGHOST: join(cluster.dir, 'nowhere'), PGUSER: 'postgres' },
  })
  expect(stdout).toMatch(/! +could not ask the server: .*No such file.*\n +→ systemctl status postgresql/)
}, 30_000)

test('not loaded', async () => {
  expect(await found()).toEqual([
    expect.objectContaining({
      state: 'broken',
      said: expect.stringMatching(/^PostgreSQL \d+.* has not loaded it$/),
    }),
  ])
}, 30_000)

test('loaded, but without its extension, and told another socket', async () => {
  cluster.set('shared_preload_libraries', 'pgturret')
  cluster.set('pgturret.socket', '/tmp/elsewhere.sock')
  await cluster.restart()
  const findings = await found()
  expect(findings.map(({ state }) => state)).toEqual(['ok', 'broken', 'warn'])
  expect(findings[1]!.said).toBe(
    `the server sends to "/tmp/elsewhere.sock", and the listener is at "${socket}"`,
  )
  expect(findings[2]!.advice).toBe('CREATE EXTENSION pgturret')
}, 60_000)

test('nobody listens', async () => {
  cluster.set('pgturret.socket', socket)
  cluster.reload()
  await cluster.query('CREATE EXTENSION pgturret')
  const findings = await waitUntil(
    found,
    (all) => all.at(-1)?.said.startsWith('not connected: could not connect') ?? false,
    'the module to have tried',
  )
  expect(findings.map(({ state }) => state)).toEqual(['ok', 'broken'])
}, 60_000)

test('loaded and connected', async () => {
  listener = await startListener(['--socket', socket, '--socket-mode', '0666', '--to', 'file:///dev/null'])
  const findings = await waitUntil(
    found,
    (all) => all.at(-1)?.said.startsWith('connected') ?? false,
    'the module to be connected',
    { timeoutMs: 20_000 },
  )
  expect(findings).toEqual([
    expect.objectContaining({ state: 'ok', said: expect.stringMatching(/^loaded by PostgreSQL \d/) }),
    expect.objectContaining({ state: 'ok', said: expect.stringMatching(/^connected, logfebe-2/) }),
  ])
}, 60_000)
