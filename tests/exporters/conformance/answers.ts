import { expect } from 'bun:test'
import { waitUntil } from '../../support/wait-until.ts'
import { type ConformanceStage, onStage } from './stage.ts'
import type { Manner, Subject } from './subject.ts'

/** What the destination answers is acted upon: nothing is lost, nothing comes twice, nothing holds up the rest. */

/** Stands in the message of a record that is treated otherwise. */
const MARK = 'poison'

const MIXED = ['one', 'two', `${MARK} A`, 'three', 'four', 'five', `${MARK} B`, 'six']
const unmarked = MIXED.filter((message) => !message.startsWith(MARK))

async function behave({ harness }: ConformanceStage, manner: Manner): Promise<void> {
  if (harness.behave === undefined || (await harness.behave(manner)) === false)
    throw new Error(`the harness cannot "${manner.does}": skip this case, with the reason`)
}

/** Those that are refused become dead letters with what was said of them, the others arrive in order. */
async function losesOnlyMarked(stage: ConformanceStage, manner: Manner, named = true): Promise<void> {
  await behave(stage, manner)
  stage.say(...MIXED)
  await stage.settled()
  expect(await stage.messages(unmarked.length)).toEqual(unmarked)
  expect(stage.delivery.stats).toMatchObject({ delivered: unmarked.length, rejected: 2, dropped: 0 })
  expect(stage.letters.map(({ position }) => MIXED[position])).toEqual(
    named ? MIXED.filter((one) => one.startsWith(MARK)) : [],
  )
  for (const { reason } of stage.letters) expect(reason).not.toBe('')
}

export const refusedInPart = (subject: Subject) =>
  onStage(subject, async (stage) => {
    await losesOnlyMarked(stage, { does: 'refuse in part', marked: MARK }, subject.namesRefused)
    // The destination said which: nobody has to search for them.
    expect(stage.delivery.stats.retried).toBe(0)
  })

export const refused = (subject: Subject) =>
  onStage(subject, (stage) => losesOnlyMarked(stage, { does: 'refuse', marked: MARK }))

export const retriedInPart = (subject: Subject) =>
  onStage(subject, async (stage) => {
    await behave(stage, { does: 'retry in part', marked: MARK })
    stage.say(...MIXED)
    await stage.received(unmarked.length)
    await behave(stage, { does: 'accept' })
    await stage.settled()
    // The order of those that came later is lost; each is there once.
    expect((await stage.messages(MIXED.length)).toSorted()).toEqual(MIXED.toSorted())
    expect(stage.delivery.stats).toMatchObject({ delivered: MIXED.length, rejected: 0, dropped: 0 })
  })

export const tooLarge = (subject: Subject) =>
  onStage(subject, async (stage) => {
    await behave(stage, { does: 'limit', records: 3 })
    const messages = Array.from({ length: 20 }, (_, n) => `record ${n}`)
    stage.say(...messages)
    await stage.settled()
    expect(await stage.messages(messages.length)).toEqual(messages)
    // One that is too large by itself is refused, and holds up nobody.
    await behave(stage, { does: 'limit', records: 0 })
    stage.say('too large')
    await stage.settled()
    await behave(stage, { does: 'accept' })
    stage.say('last')
    await stage.settled()
    expect(await stage.messages(messages.length + 1)).toEqual([...messages, 'last'])
    expect(stage.delivery.stats).toMatchObject({ delivered: 21, rejected: 1, dropped: 0 })
  })

export const blocked = (subject: Subject) =>
  onStage(subject, async (stage) => {
    await behave(stage, { does: 'block' })
    stage.say('kept', 'too')
    await waitUntil(
      () => stage.delivery.state,
      (state) => state === 'blocked',
      'it to say that a person is needed',
    )
    await waitUntil(
      () => stage.delivery.stats.retried,
      (retried) => retried > 2,
      'further attempts',
    )
    // Slowly, and said once.
    expect(Math.min(...stage.clock.waits)).toBeGreaterThanOrEqual(30_000)
    expect(stage.said.filter((line) => line.includes('error:'))).toHaveLength(1)
    await behave(stage, { does: 'accept' })
    await stage.settled()
    expect(await stage.messages(2)).toEqual(['kept', 'too'])
    expect(stage.delivery.stats).toMatchObject({ delivered: 2, rejected: 0, dropped: 0 })
  })

export const busy = (subject: Subject) =>
  onStage(subject, async (stage) => {
    await behave(stage, { does: 'be busy' })
    stage.say('kept', 'too')
    await waitUntil(
      () => stage.delivery.stats.retried,
      (retried) => retried > 2,
      'further attempts',
    )
    expect(stage.delivery.state).toBe('retrying')
    await behave(stage, { does: 'accept' })
    await stage.settled()
    expect(await stage.messages(2)).toEqual(['kept', 'too'])
    expect(stage.delivery.stats).toMatchObject({ delivered: 2, rejected: 0, dropped: 0 })
  })

export const retryAfter = (subject: Subject) =>
  onStage(subject, async (stage) => {
    await behave(stage, { does: 'be busy', retryAfterSeconds: 1234 })
    stage.say('kept')
    await waitUntil(
      () => stage.clock.waits.length,
      (waits) => waits > 0,
      'a wait',
    )
    await behave(stage, { does: 'accept' })
    await stage.settled()
    expect(Math.round(stage.clock.waits[0]! / 1000)).toBe(1234)
    expect(await stage.messages(1)).toEqual(['kept'])
  })
