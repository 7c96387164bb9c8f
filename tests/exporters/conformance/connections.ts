import { expect } from 'bun:test'
import { systemClock } from '../../../src/clock.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { type ConformanceStage, onStage } from './stage.ts'
import type { Harness, Subject } from './subject.ts'

/** Connections come and go. */

async function restart(harness: Harness): Promise<void> {
  if (harness.restart === undefined)
    throw new Error('the harness has no "restart": skip this case, with the reason')
  await harness.restart()
}

async function kill(harness: Harness): Promise<void> {
  if (harness.kill === undefined)
    throw new Error('the harness has no "kill": skip this case, with the reason')
  await harness.kill()
}

/** Waits until it has failed more than once, and knows why. */
const failing = ({ delivery }: ConformanceStage) =>
  waitUntil(
    () => delivery.stats,
    ({ retried, lastError }) => retried > 1 && lastError !== undefined,
    'attempts in vain',
  )

export const nobodyListens = (subject: Subject) =>
  onStage(subject, async (stage) => {
    await kill(stage.harness)
    stage.say('patient')
    await failing(stage)
    expect(stage.delivery.state).toBe('retrying')
    await restart(stage.harness)
    await stage.settled()
    expect(await stage.messages(1)).toEqual(['patient'])
    expect(stage.delivery.stats).toMatchObject({ delivered: 1, rejected: 0, dropped: 0 })
  })

export const killed = (subject: Subject) =>
  onStage(subject, async (stage) => {
    stage.say('before')
    await stage.settled()
    await stage.received(1)
    await kill(stage.harness)
    stage.say('meanwhile', 'as well')
    await failing(stage)
    await restart(stage.harness)
    await stage.settled()
    stage.say('after')
    await stage.settled()
    await waitUntil(
      async () => new Set((await stage.harness.received()).map(({ message }) => message)).size,
      (distinct) => distinct === 4,
      'all four records',
    )
    // What was on its way when it was killed may come twice.
    expect([...new Set(await stage.messages(4))]).toEqual(['before', 'meanwhile', 'as well', 'after'])
    expect(stage.delivery.stats).toMatchObject({ delivered: 4, rejected: 0, dropped: 0 })
  })

/** With the real time: `stop` gives a call one second to come back, and says when it did not. */
export const abort = (subject: Subject) =>
  onStage(
    subject,
    async (stage) => {
      const { harness, delivery } = stage
      if (harness.behave === undefined || harness.hanging === undefined)
        throw new Error('the harness has no "hanging": skip this case, with the reason')
      await harness.behave({ does: 'hang' })
      stage.say('never')
      await waitUntil(
        () => harness.hanging!(),
        (hanging) => hanging > 0,
        'a request without an answer',
      )
      await delivery.stop()
      expect(stage.said.join('')).not.toContain('did not stop in time')
      expect(delivery.idle).toBe(true)
      expect(delivery.stats).toMatchObject({ delivered: 0, rejected: 0 })
    },
    { clock: systemClock },
  )

export const closesTwice = (subject: Subject) =>
  onStage(subject, async (stage) => {
    stage.say('once')
    await stage.settled()
    await stage.exporter.close?.()
    await stage.exporter.close?.()
    await onStage(subject, async ({ exporter }) => {
      // It was never opened.
      await exporter.close?.()
      await exporter.close?.()
    })
  })

export const check = (subject: Subject) =>
  onStage(subject, async (stage) => {
    const { exporter, harness } = stage
    if (exporter.check === undefined) throw new Error('the exporter has no "check"')
    const calm = new AbortController().signal
    expect(await exporter.check(calm)).not.toBe('')
    // What it might have left would come before this one.
    stage.say('first')
    await stage.settled()
    expect(await stage.messages(1)).toEqual(['first'])
    if (harness.kill === undefined) return
    await harness.kill()
    expect(await exporter.check(calm).then(String, () => 'failed')).toBe('failed')
  })
