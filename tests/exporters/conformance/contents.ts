import { expect } from 'bun:test'
import { onStage } from './stage.ts'
import type { Subject } from './subject.ts'

/** What arrives is what was sent. */

const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `record ${n}`)

export const delivers = (subject: Subject) =>
  onStage(subject, async (stage) => {
    const messages = numbered(3)
    stage.say(...messages)
    await stage.settled()
    expect(await stage.messages(3)).toEqual(messages)
    expect(stage.delivery.stats).toMatchObject({ accepted: 3, delivered: 3, rejected: 0, retried: 0 })
    expect(stage.said).toEqual([])
  })

export const keepsOrder = (subject: Subject) =>
  onStage(
    subject,
    async (stage) => {
      const messages = numbered(200)
      for (let n = 0; n < messages.length; n += 7) stage.say(...messages.slice(n, n + 7))
      await stage.settled()
      expect(await stage.messages(messages.length)).toEqual(messages)
      expect(stage.delivery.stats.batches).toBeGreaterThan(5)
    },
    { maxRecords: 20 },
  )

export const largeMessage = (subject: Subject) =>
  onStage(subject, async (stage) => {
    const large = `${'lärge '.repeat(170_000)}end`
    expect(Buffer.byteLength(large)).toBeGreaterThan(1024 * 1024)
    stage.say('before', large, 'after')
    await stage.settled()
    const messages = await stage.messages(3)
    // Not `toEqual` on the whole: a failure would print a megabyte.
    expect(messages.map((message) => message.length)).toEqual(
      ['before', large, 'after'].map((one) => one.length),
    )
    expect(messages[1] === large).toBe(true)
  })

export const text = (subject: Subject) =>
  onStage(subject, async (stage) => {
    const hard =
      'Grüße, 漢字, 🐘, "quotes", \\back\\slashes, tab\t, line\nend, NEL\u0085, LS\u2028, €, \u007f, \u0001'
    stage.offer(
      { ErrMessage: hard },
      { ErrMessage: Uint8Array.from(Buffer.from('Stra\xdfe \xe9t\xe9', 'latin1')), Encoding: 'LATIN1' },
      { ErrMessage: Uint8Array.of(0x83, 0x65, 0x83, 0x58, 0x83, 0x67), Encoding: 'SJIS' },
      // Broken UTF-8: the bad byte is replaced, and costs nothing else.
      { ErrMessage: Uint8Array.from(Buffer.from('a\xffb', 'latin1')) },
    )
    await stage.settled()
    expect(await stage.messages(4)).toEqual([hard, 'Straße été', 'テスト', 'a\ufffdb'])
  })

export const absentAndEmpty = (subject: Subject) =>
  onStage(subject, async (stage) => {
    stage.offer(
      { ErrMessage: 'absent' },
      { ErrMessage: 'empty', ErrDetail: '' },
      { ErrMessage: 'there', ErrDetail: 'why' },
    )
    await stage.settled()
    const received = await stage.received(3)
    expect(received.map(({ message, detail }) => [message, detail])).toEqual([
      ['absent', undefined],
      ['empty', ''],
      ['there', 'why'],
    ])
  })
