import { afterEach, describe, expect, test } from 'bun:test'
import { EventLoopWatch } from '../../src/observe/process-stats.ts'
import { waitUntil } from '../support/wait-until.ts'

let watch: EventLoopWatch | undefined
afterEach(() => watch?.stop())

test('memory and processor time', () => {
  watch = new EventLoopWatch()
  const { residentBytes, cpuSeconds, eventLoopLagSeconds } = watch.stats()
  expect(residentBytes).toBeGreaterThan(1e6)
  expect(cpuSeconds).toBeGreaterThan(0)
  expect(eventLoopLagSeconds).toBe(0)
})

describe('the event loop', () => {
  const lag = () => watch!.stats().eventLoopLagSeconds

  test('what kept it is seen, and forgotten after sixty looks', async () => {
    watch = new EventLoopWatch(5)
    Bun.sleepSync(300)
    await waitUntil(lag, (seconds) => seconds > 0.25, 'the delay to be seen')
    await waitUntil(lag, (seconds) => seconds < 0.25, 'the delay to be forgotten')
  })
})
