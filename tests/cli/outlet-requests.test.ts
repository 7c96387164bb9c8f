import { describe, expect, test } from 'bun:test'
import { readDestinations } from '../../src/cli/destinations.ts'
import { outletRequest } from '../../src/cli/outlet-requests.ts'
import { makeLog } from '../../src/log.ts'

const silent = makeLog(() => undefined, true)

const lingerOf = (to: string, env: Readonly<Record<string, string>> = {}) => {
  const problems: string[] = []
  const [destination] = readDestinations([{ to, format: 'json' }], { flags: {}, env }, problems)
  expect(problems).toEqual([])
  return outletRequest(destination!, { color: false, everywhere: false }, silent).settings.lingerMs
}

describe('how long a batch waits', () => {
  test('is not at all, unless the destination makes something of a batch', () => {
    expect(lingerOf('http://localhost/in')).toBe(0)
    expect(lingerOf('s3://logs')).toBe(60_000)
    expect(lingerOf('s3://logs', { PGTURRET_S3_ROTATE_AGE: '5m' })).toBe(300_000)
  })
})
