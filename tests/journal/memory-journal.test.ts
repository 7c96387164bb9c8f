import { describe, expect, test } from 'bun:test'
import { MemoryJournal } from '../../src/journal/memory-journal.ts'
import { dropped, hello, ring } from '../ingest/frames.ts'
import { sent, take } from './blocks.ts'
import { entriesOf } from './model-entries.ts'

describe('a journal in memory', () => {
  test('shows what was flushed, and acknowledges what everybody has', () => {
    const journal = new MemoryJournal(1_000_000)
    let readable = 0
    let progress = 0
    journal.onReadable(() => readable++)
    journal.onProgress(() => progress++)
    const reader = journal.reader(0)
    expect([reader.behind, reader.take()]).toEqual([false, undefined])
    take(journal, sent(0, 4))
    take(journal, Buffer.concat([hello(2), ring(7n, 5n), dropped(5n, 2n)]))
    expect([journal.start, journal.end, journal.durable, readable]).toEqual([0, 6, 0, 2])
    expect(entriesOf(reader.take()!.block)).toHaveLength(5)
    expect(reader.take()?.block).toMatchObject({ position: 5, entries: 1 })
    expect(reader.behind).toBe(false)
    journal.settled(3)
    expect([journal.start, journal.durable, progress]).toEqual([0, 3, 1])
    journal.settled(5)
    journal.settled(4)
    expect([journal.start, journal.durable, progress]).toEqual([5, 5, 2])
    expect(journal.bytesAfter(5)).toBe(journal.status().bytes)
  })

  test('a reader that comes late begins with the oldest that is left', () => {
    const journal = new MemoryJournal(1_000_000)
    for (let i = 0; i < 5; i++) take(journal, sent(i, i))
    journal.settled(3)
    expect(journal.reader(0).take()?.block.position).toBe(3)
    expect(journal.reader(4).take()?.block.position).toBe(4)
  })

  test('is full by the memory that it takes, and empty again', () => {
    const journal = new MemoryJournal(5000)
    while (!journal.full) take(journal, sent(journal.end, journal.end))
    expect(journal.status().state).toBe('full')
    expect(journal.end).toBeGreaterThan(5)
    expect(journal.end).toBeLessThan(25)
    journal.settled(journal.end)
    expect(journal.start).toBe(journal.end)
    expect(Boolean(journal.full)).toBe(false)
    expect(journal.status()).toMatchObject({ bytes: 0, oldestMs: undefined, state: 'ok' })
  })
})
