import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  DEFAULT_MAX_FRAME_BYTES,
  encodeFrame,
  FRAME_HEADER_BYTES,
  FrameDecoder,
} from '../../src/codec/frame.ts'
import { InputError } from '../../src/errors.ts'

interface Frame {
  readonly type: number
  readonly payload: Uint8Array
}

/** Frames of every shape in one stream: empty payloads, NULs, a type that is not ASCII, one that looks like a header. */
const FRAMES: readonly Frame[] = [
  { type: 0x56, payload: Buffer.from('PG-15.20/logfebe-2\0') },
  { type: 0x48, payload: new Uint8Array(0) },
  { type: 0x00, payload: Uint8Array.of(0x4c, 0, 0, 0, 4) },
  { type: 0xff, payload: Uint8Array.of(0xff, 0xff, 0xff, 0xff) },
  { type: 0x48, payload: new Uint8Array(0) },
  { type: 0x4c, payload: Uint8Array.from({ length: 40 }, (_, i) => i) },
]
const STREAM = Buffer.concat(FRAMES.map(({ type, payload }) => encodeFrame(type, payload)))

/** Pushes the chunks and returns copies of the frames that came out, after checking what was said about their place. */
function decode(chunks: readonly Uint8Array[], decoder = new FrameDecoder()): Frame[] {
  const frames: Frame[] = []
  for (const chunk of chunks) {
    decoder.push(chunk, (type, bytes, start, end) => {
      expect(bytes[start - FRAME_HEADER_BYTES]).toBe(type)
      const said = new DataView(bytes.buffer, bytes.byteOffset).getInt32(start - 4)
      expect(said).toBe(end - start + 4)
      frames.push({ type, payload: bytes.slice(start, end) })
    })
  }
  return frames
}

const sameFrames = (actual: readonly Frame[], expected: readonly Frame[]): void => {
  expect(actual.map(({ type, payload }) => [type, Buffer.from(payload).toString('hex')])).toEqual(
    expected.map(({ type, payload }) => [type, Buffer.from(payload).toString('hex')]),
  )
}

const inputErrorOf = (action: () => void): InputError => {
  try {
    action()
  } catch (error) {
    if (error instanceof InputError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const header = (type: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES)
  bytes[0] = type
  new DataView(bytes.buffer).setInt32(1, length)
  return bytes
}

const ignore = (): void => {}

describe('borders of chunks', () => {
  test('one chunk', () => sameFrames(decode([STREAM]), FRAMES))

  test('byte by byte', () => {
    sameFrames(decode(Array.from(STREAM, (byte) => Uint8Array.of(byte))), FRAMES)
  })

  test('every cut', () => {
    for (let cut = 0; cut <= STREAM.length; cut++) {
      sameFrames(decode([STREAM.subarray(0, cut), STREAM.subarray(cut)]), FRAMES)
    }
  })

  test('every two cuts', () => {
    for (let first = 0; first <= STREAM.length; first++) {
      for (let second = first; second <= STREAM.length; second++) {
        const chunks = [STREAM.subarray(0, first), STREAM.subarray(first, second), STREAM.subarray(second)]
        const frames: number[] = []
        const decoder = new FrameDecoder()
        for (const chunk of chunks) {
          decoder.push(chunk, (type, bytes, start, end) => frames.push(type, end - start, bytes[end - 1]!))
        }
        decoder.end()
        const expected = FRAMES.flatMap(({ type, payload }) => [
          type,
          payload.length,
          payload.at(-1) ?? (type === 0x48 ? 4 : 0),
        ])
        expect(frames).toEqual(expected)
        expect(decoder.offset).toBe(STREAM.length)
      }
    }
  })

  test('chunks of no bytes change nothing', () => {
    const none = new Uint8Array(0)
    const chunks = Array.from(STREAM, (byte) => Uint8Array.of(byte)).flatMap((chunk) => [none, chunk, none])
    sameFrames(decode(chunks), FRAMES)
  })

  test('a chunk that lies inside a larger buffer', () => {
    const larger = Buffer.concat([Buffer.alloc(3, 0xaa), STREAM, Buffer.alloc(3, 0xaa)])
    sameFrames(decode([larger.subarray(3, 3 + STREAM.length)]), FRAMES)
  })

  test('any frames, cut anywhere', () => {
    const frame = fc.record({ type: fc.nat(255), payload: fc.uint8Array({ maxLength: 60 }) })
    const cuts = fc.array(fc.nat(400), { maxLength: 12 })
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), cuts, (frames, places) => {
        const stream = Buffer.concat(frames.map(({ type, payload }) => encodeFrame(type, payload)))
        const borders = [
          0,
          ...places.filter((place) => place < stream.length).sort((a, b) => a - b),
          stream.length,
        ]
        const decoder = new FrameDecoder()
        const chunks = borders.slice(1).map((border, i) => stream.subarray(borders[i], border))
        sameFrames(decode(chunks, decoder), frames)
        decoder.end()
        expect(decoder.offset).toBe(stream.length)
      }),
    )
  })
})

describe('lengths that cannot be', () => {
  const cases = [
    [0, 'bad_length'],
    [1, 'bad_length'],
    [2, 'bad_length'],
    [3, 'bad_length'],
    [-1, 'bad_length'],
    [-(2 ** 31), 'bad_length'],
    [2 ** 31 - 1, 'frame_too_large'],
    [DEFAULT_MAX_FRAME_BYTES + 1, 'frame_too_large'],
  ] as const

  test.each(cases)('%d is refused as %s, wherever it is cut', (length, reason) => {
    const bytes = Buffer.concat([STREAM, header(0x4c, length), Buffer.alloc(20)])
    for (let cut = STREAM.length; cut <= STREAM.length + FRAME_HEADER_BYTES; cut++) {
      const decoder = new FrameDecoder()
      const frames: number[] = []
      const error = inputErrorOf(() => {
        decoder.push(bytes.subarray(0, cut), (type) => frames.push(type))
        decoder.push(bytes.subarray(cut), (type) => frames.push(type))
      })
      expect(error.reason).toBe(reason)
      expect(error.offset).toBe(STREAM.length)
      expect(frames).toEqual(FRAMES.map(({ type }) => type))
      expect(decoder.capacity).toBeLessThanOrEqual(4096)
    }
  })

  test('byte by byte', () => {
    for (const [length, reason] of cases) {
      const decoder = new FrameDecoder()
      const bytes = [...header(0x4c, length)]
      for (const byte of bytes.slice(0, 4)) decoder.push(Uint8Array.of(byte), ignore)
      const error = inputErrorOf(() => decoder.push(Uint8Array.of(bytes[4]!), ignore))
      expect(error.reason).toBe(reason)
    }
  })

  test('the message says what was read and what is allowed', () => {
    const message = inputErrorOf(() => new FrameDecoder(100).push(header(0x4c, 101), ignore)).message
    expect(message).toBe('frame length 101 is over the limit of 100')
    expect(inputErrorOf(() => new FrameDecoder().push(header(0x4c, 3), ignore)).message).toBe(
      'frame length 3 is less than 4',
    )
  })

  test('the limit itself is allowed', () => {
    const frame = encodeFrame(0x4c, new Uint8Array(96))
    expect(decode([frame], new FrameDecoder(100))).toHaveLength(1)
    expect(inputErrorOf(() => decode([frame], new FrameDecoder(99))).reason).toBe('frame_too_large')
  })
})

describe('truncated tail', () => {
  test('every cut inside the last frame is reported at its beginning', () => {
    const last = STREAM.length - FRAME_HEADER_BYTES - FRAMES.at(-1)!.payload.length
    for (let cut = last + 1; cut < STREAM.length; cut++) {
      const decoder = new FrameDecoder()
      decoder.push(STREAM.subarray(0, cut), ignore)
      expect(decoder.pending).toBe(cut - last)
      const error = inputErrorOf(() => decoder.end())
      expect(error.reason).toBe('truncated')
      expect(error.offset).toBe(last)
      expect(error.message).toBe(`the last frame is cut off after ${cut - last} bytes`)
    }
  })

  test('an end between two frames is no error', () => {
    const decoder = new FrameDecoder()
    decoder.end()
    decoder.push(STREAM, ignore)
    decoder.end()
    expect(decoder.offset).toBe(STREAM.length)
    expect(decoder.pending).toBe(0)
  })
})

describe('memory', () => {
  test('grows with the bytes that came, not with the length that was promised', () => {
    const decoder = new FrameDecoder()
    decoder.push(header(0x4c, DEFAULT_MAX_FRAME_BYTES), ignore)
    expect(decoder.capacity).toBe(4096)
    const chunk = new Uint8Array(1000)
    for (let received = FRAME_HEADER_BYTES; received < 1_000_000; ) {
      decoder.push(chunk, ignore)
      received += chunk.length
      expect(decoder.pending).toBe(received)
      expect(decoder.capacity).toBeLessThanOrEqual(Math.max(4096, 2 * received))
    }
  })

  test('a frame over 1 MiB arrives whole and does not keep its memory', () => {
    const payload = Uint8Array.from({ length: 3 * 1024 * 1024 }, (_, i) => i * 7)
    const stream = Buffer.concat([encodeFrame(0x4c, payload), encodeFrame(0x48, new Uint8Array(0))])
    const decoder = new FrameDecoder()
    const chunks: Uint8Array[] = []
    for (let at = 0; at < stream.length; at += 65_536) chunks.push(stream.subarray(at, at + 65_536))
    const frames = decode(chunks, decoder)
    expect(frames.map(({ type }) => type)).toEqual([0x4c, 0x48])
    expect(Buffer.compare(frames[0]!.payload, payload)).toBe(0)
    expect(decoder.capacity).toBe(0)
  })

  test('frames that lie whole in a chunk are not copied', () => {
    const decoder = new FrameDecoder()
    decoder.push(STREAM, (_, bytes) => expect(bytes).toBe(STREAM))
    expect(decoder.capacity).toBe(0)
  })
})

describe('what the sink throws', () => {
  const boom = new Error('boom')
  const failAt = (n: number) => {
    let seen = 0
    return (): void => {
      if (seen++ === n) throw boom
    }
  }

  test('passes through, and the offset is that of the frame', () => {
    const second = FRAME_HEADER_BYTES + FRAMES[0]!.payload.length
    for (let cut = 0; cut <= STREAM.length; cut++) {
      const decoder = new FrameDecoder()
      const sink = failAt(1)
      expect(() => {
        decoder.push(STREAM.subarray(0, cut), sink)
        decoder.push(STREAM.subarray(cut), sink)
      }).toThrow(boom)
      expect(decoder.offset).toBe(second)
    }
  })
})

describe('a sink that takes more than its frame', () => {
  const ends = FRAMES.map((_, i) =>
    FRAMES.slice(0, i + 1).reduce((sum, { payload }) => sum + FRAME_HEADER_BYTES + payload.length, 0),
  )

  test('gets what comes behind it, and the offset counts all of it', () => {
    for (let first = 0; first < FRAMES.length; first++) {
      for (let last = first; last < FRAMES.length; last++) {
        const decoder = new FrameDecoder()
        const seen: number[] = []
        decoder.push(STREAM, (type, _, start) => {
          seen.push(type)
          expect(decoder.available).toBe(STREAM.length)
          if (start - FRAME_HEADER_BYTES === (ends[first - 1] ?? 0)) decoder.took(ends[last]!)
        })
        const expected = FRAMES.filter((_, i) => i <= first || i > last).map(({ type }) => type)
        expect(seen).toEqual(expected)
        expect(decoder.offset).toBe(STREAM.length)
      }
    }
  })

  test('sees no byte behind a frame that came in two pieces', () => {
    const decoder = new FrameDecoder()
    const last = ends.at(-2)!
    decoder.push(STREAM.subarray(0, last + 20), ignore)
    let available = -1
    decoder.push(STREAM.subarray(last + 20), (_type, _bytes, _start, end) => {
      available = decoder.available
      expect(available).toBe(end)
    })
    expect(available).toBeGreaterThan(0)
  })
})

test('restart forgets what was held and counts from zero', () => {
  const decoder = new FrameDecoder()
  decoder.push(STREAM.subarray(0, STREAM.length - 1), ignore)
  expect(decoder.pending).toBeGreaterThan(0)
  decoder.restart()
  expect([decoder.pending, decoder.offset]).toEqual([0, 0])
  sameFrames(decode([STREAM], decoder), FRAMES)
  expect(decoder.offset).toBe(STREAM.length)
})

test('encodeFrame counts the length field but not the type', () => {
  expect([...encodeFrame(0x41, Uint8Array.of(1, 2))]).toEqual([0x41, 0, 0, 0, 6, 1, 2])
})
