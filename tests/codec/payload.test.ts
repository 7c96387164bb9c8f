import { describe, expect, test } from 'bun:test'
import { PayloadWriter } from '../../src/codec/payload.ts'

describe('PayloadWriter', () => {
  test('each term as PROTOCOL says', () => {
    const payload = new PayloadWriter()
      .int32(-2)
      .int64(-(2n ** 63n))
      .string('ä')
      .string('')
      .nullable(null)
      .nullable('')
      .nullable(Uint8Array.of(0xff))
      .finish()
    expect(Buffer.from(payload).toString('hex')).toBe('fffffffe8000000000000000c3a400004e00500050ff00')
  })

  test('grows at every size without losing a byte', () => {
    for (let size = 490; size < 530; size++) {
      const payload = new PayloadWriter().string('x'.repeat(size)).nullable(null).int64(1n).finish()
      expect(payload).toHaveLength(size + 1 + 2 + 8)
      expect([...payload.subarray(size)]).toEqual([0, 0x4e, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    }
  })

  test('what was handed out does not change when more is written', () => {
    const writer = new PayloadWriter().int32(1)
    const first = writer.finish()
    writer.int32(2)
    expect([...first]).toEqual([0, 0, 0, 1])
    expect([...writer.finish()]).toEqual([0, 0, 0, 1, 0, 0, 0, 2])
  })
})
