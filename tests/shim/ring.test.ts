import { expect, test } from 'bun:test'
import { resolve } from 'node:path'

const SHIM = resolve(import.meta.dir, '../../shim')

test('the ring holds under ASan, UBSan and TSan, with writers killed at random', async () => {
  const { exitCode, stderr } = await Bun.$`make -s -C ${SHIM} check-ring STRESS_SECONDS=3`.nothrow().quiet()
  expect([exitCode, stderr.toString()]).toEqual([0, ''])
}, 120_000)

test.skipIf(Bun.which('valgrind') === null)(
  'and under valgrind, which must be installed',
  async () => {
    const run = await Bun.$`make -s -C ${SHIM} check-ring-valgrind STRESS_SECONDS=6`.nothrow().quiet()
    expect([run.exitCode, run.stderr.toString()]).toEqual([0, ''])
  },
  120_000,
)
