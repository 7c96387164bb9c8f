import { describe, expect, test } from 'bun:test'
import { verdictIn } from '../../src/websocket/answers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { onStage } from './conformance/stage.ts'
import { conformance, type Subject } from './conformance.ts'
import { ExampleServer } from './websocket-example.ts'
import { WebSocketHarness } from './websocket-harness.ts'

/** The websocket destination against a server that counts batches. */

conformance({
  exporter: 'websocket',
  start: async (serving) => new WebSocketHarness(serving),
})

const acknowledged: Subject = {
  exporter: 'websocket',
  start: async (serving) => new WebSocketHarness(serving),
}

const noAnswers = 'without acknowledgements the server says nothing of records'
describe('not acknowledged', () =>
  conformance({
    exporter: 'websocket',
    start: async (serving) => new WebSocketHarness(serving, { acknowledge: 'none' }),
    skips: {
      'refused in part': noAnswers,
      'to be sent again in part': noAnswers,
      'refused for good': noAnswers,
      'Retry-After is honoured': noAnswers,
    },
  }))

test('the server of the page, killed in between, has every record once', () =>
  onStage({ exporter: 'websocket', start: () => ExampleServer.start() }, async (stage) => {
    const { harness } = stage
    stage.say('one', 'two')
    await stage.settled()
    await harness.kill!()
    stage.say('three')
    await waitUntil(
      () => stage.delivery.stats.retried,
      (retried) => retried > 1,
      'attempts in vain',
    )
    await harness.restart!()
    await stage.settled()
    expect(await stage.messages(3)).toEqual(['one', 'two', 'three'])
  }))

test('compression is offered where it was asked for, and works', async () => {
  for (const deflate of [true, undefined]) {
    await onStage(
      acknowledged,
      async (stage) => {
        stage.say('x'.repeat(100_000))
        await stage.settled()
        expect(await stage.messages(1)).toEqual(['x'.repeat(100_000)])
        const { offered } = stage.harness as WebSocketHarness
        expect(offered.includes('permessage-deflate')).toBe(deflate === true)
      },
      { flags: deflate ? { deflate } : {} },
    )
  }
})

test('a batch that came, but whose acknowledgement was lost, is sent with its number again and is there once', () =>
  onStage(acknowledged, async (stage) => {
    const harness = stage.harness as WebSocketHarness
    stage.say('one')
    await stage.settled()
    harness.takeAndBreak()
    stage.say('two')
    await stage.settled()
    stage.say('three')
    await stage.settled()
    expect(await stage.messages(3)).toEqual(['one', 'two', 'three'])
    expect(harness.received()).toHaveLength(3)
  }))

test('batches that are worked on side by side are sent one by one: no number is passed over by a later one', () =>
  onStage(
    acknowledged,
    async (stage) => {
      const harness = stage.harness as WebSocketHarness
      const sent = Array.from({ length: 60 }, (_, n) => `record ${n}`)
      await harness.behave({ does: 'be busy' })
      stage.say(...sent)
      await waitUntil(
        () => stage.delivery.stats.retried,
        (retried) => retried > 8,
        'attempts in vain',
      )
      harness.behave({ does: 'accept' })
      harness.takeAndBreak()
      await stage.settled()
      expect(new Set(await stage.messages(sent.length))).toEqual(new Set(sent))
      expect(stage.delivery.stats).toMatchObject({ delivered: sent.length, rejected: 0, dropped: 0 })
    },
    { maxRecords: 5, delivery: { concurrency: 4 } },
  ))

describe('answers', () => {
  test('an acknowledgement names its batch', () => {
    expect(verdictIn('{"acknowledged":7}')).toEqual({ sequence: 7, error: undefined })
  })

  test('one with exceptions is for its own batch', () => {
    const verdict = verdictIn('{"acknowledged":7,"rejected":[{"index":1}],"retry":[0]}')!
    expect(verdict).toMatchObject({ sequence: 7 })
    expect(verdict.error).toMatchObject({
      retry: [0],
      rejected: [{ index: 1, reason: 'refused without a reason' }],
    })
  })

  test('one that is busy may say when to come again', () => {
    expect(verdictIn('{"busy":7,"retry_after":1.5}')).toMatchObject({
      sequence: 7,
      error: { retryAfterMs: 1500 },
    })
    expect(verdictIn('{"busy":7}')!.error).toMatchObject({ retryAfterMs: undefined })
    expect(verdictIn('{"busy":7,"retry_after":-1}')).toBeUndefined()
  })

  test.each(['', 'hello', '[]', '{}', '{"acknowledged":-1}', '{"acknowledged":"7"}', '{"refused":1.5}'])(
    '%p is none',
    (text) => {
      expect(verdictIn(text)).toBeUndefined()
    },
  )
})
