import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { History } from '../../src/websocket/history.ts'
import { Viewer, type ViewerSocket } from '../../src/websocket/viewer.ts'
import { batchOf } from '../exporters/batches.ts'

/** A socket that takes nothing off until it is told to. */
class LazySocket implements ViewerSocket {
  readonly messages: string[] = []
  buffered = 0

  sendText(text: string): number {
    this.messages.push(text)
    this.buffered += Buffer.byteLength(text)
    return -1
  }

  getBufferedAmount(): number {
    return this.buffered
  }
}

const HISTORY = 2000
const BUFFER = 300

/** What happens: so many records come in a batch, or the viewer's socket takes what it was given. */
const happenings = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant('drain' as const)), {
  maxLength: 200,
})

const line = (n: number): string => JSON.stringify({ timestamp: '', n, note: 'x'.repeat(n % 50) })

test('whatever comes when: all that fit are shown in order or counted in their place, in bounded memory', () => {
  const filters = [undefined, (record: Buffer) => JSON.parse(record.toString()).n % 3 === 0]
  fc.assert(
    fc.property(happenings, fc.constantFrom(...filters), (happened, filter) => {
      const history = new History(HISTORY)
      const socket = new LazySocket()
      const viewer = new Viewer(socket, history, { filter, past: 0, after: undefined }, BUFFER)
      let sent = 0
      let largest = 0
      for (const one of happened) {
        if (one === 'drain') socket.buffered = 0
        else {
          const batch = batchOf(Array.from({ length: one }, () => line(sent++)))
          largest = Math.max(largest, batch.bytes.length)
          history.add(batch, (number, page) => viewer.leaves(number, page))
        }
        viewer.pump()
        expect(socket.buffered).toBeLessThan(BUFFER + largest)
        expect(kept(history)).toBeLessThanOrEqual(HISTORY + largest)
      }
      // It reads on until nothing is left.
      for (let before = -1; before !== socket.messages.length; ) {
        before = socket.messages.length
        socket.buffered = 0
        viewer.pump()
      }
      const expected = Array.from({ length: sent }, (_, n) => n).filter((n) => !filter?.length || n % 3 === 0)
      let at = 0
      for (const text of socket.messages.flatMap((message) => message.split('\n'))) {
        const { skipped, n } = JSON.parse(text) as { skipped?: number; n?: number }
        if (skipped === undefined) expect(n).toBe(expected[at++]!)
        else {
          expect(skipped).toBeGreaterThan(0)
          at += skipped
        }
      }
      expect(at).toBe(expected.length)
    }),
    { numRuns: 300 },
  )
})

/** Bytes of the records that a history holds. */
function kept(history: History): number {
  let bytes = 0
  for (let number = history.start.page; number < history.end.page; number++)
    bytes += history.page(number)!.bytes.length
  return bytes
}
