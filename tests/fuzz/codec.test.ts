import { expect, test } from 'bun:test'
import {
  decodeAcknowledgement,
  decodeCheckpoint,
  decodeDropped,
  decodeIdentity,
  decodeRing,
  decodeVersionText,
  encodeCheckpoint,
} from '../../src/codec/control.ts'
import { FRAME_HEADER_BYTES, FrameDecoder, FrameType } from '../../src/codec/frame.ts'
import { parseVersion } from '../../src/codec/version.ts'
import { InputError } from '../../src/errors.ts'
import { decodeUtf8 } from '../../src/record/encoding.ts'
import { JsonEncoder } from '../../src/record/json.ts'
import { type Room, roomOf } from '../../src/record/room.ts'
import { makeSource, type Source } from '../../src/record/source.ts'
import { RecordView } from '../../src/record/view.ts'
import { GOLDEN_STREAMS } from '../record/golden-streams.ts'
import { type Draft, mutate } from './mutation.ts'
import { Random } from './random.ts'

/**
 * Changes valid streams at random and reads them: nothing but an InputError may come of it, what is written must be
 * JSON and stay in its room, and memory must stay bounded.
 *
 *     FUZZ_SECONDS=600 FUZZ_SEED=1 bun test tests/fuzz
 *
 * Without FUZZ_SECONDS it goes on for at least eight seconds and a million inputs. The same seed makes the same inputs.
 */

const MILLION = 1_000_000
const DEFAULT_SECONDS = 8
const given = process.env['FUZZ_SECONDS']
const seconds = given === undefined ? DEFAULT_SECONDS : Number(given)
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)

/** Frames of the golden streams: what stands in front of records, and single frames of every type. */
const streams = Object.values(GOLDEN_STREAMS).map((stream) => stream())
const isPreamble = (frame: Uint8Array): boolean =>
  frame[0] === FrameType.Version || frame[0] === FrameType.Identity || frame[0] === FrameType.Ring
const preambles = streams.map((stream) => Buffer.concat(stream.slice(0, 3).filter(isPreamble)))
const checkpoint = encodeCheckpoint({ position: 1n, records: 2, crc32c: 3, timeMicros: 4n })
const frames = [...streams.flat(), checkpoint].filter((frame) => frame.length < 1000)
const controls = frames.filter((frame) => frame[0] !== FrameType.Record)

const GUARD_BYTES = 16
const OUT_BYTES = 1 << 16
const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads streams as a listener does, with every check that is cheap enough. */
class Target {
  records = 0
  refused = 0
  #source: Source | undefined
  readonly #record = new RecordView()
  readonly #encoder = new JsonEncoder()
  readonly #out: Room = roomOf(new Uint8Array(OUT_BYTES))

  /** Reads a stream in chunks that end where `random` says. */
  read(input: Uint8Array, random: Random): void {
    this.#source = undefined
    const decoder = new FrameDecoder()
    try {
      let at = 0
      // Half of the inputs come whole: that is the other way through the decoder.
      const most = random.below(2) === 0 ? input.length : 1 + random.below(40)
      while (at < input.length) {
        const end = Math.min(input.length, at + 1 + random.below(most) + (most === input.length ? most : 0))
        decoder.push(input.subarray(at, end), this.#sink)
        at = end
      }
      decoder.end()
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      this.refused++
      if (error.offset < 0 || error.offset >= input.length) throw new Error(`offset ${error.offset}`)
    }
    if (decoder.capacity > 4096 + 2 * input.length) throw new Error(`holds ${decoder.capacity} bytes`)
  }

  readonly #sink = (type: number, bytes: Uint8Array, start: number, end: number): void => {
    if (type === FrameType.Record) this.#log(bytes, start, end)
    else this.#control(type, bytes, start, end)
  }

  #control(type: number, bytes: Uint8Array, start: number, end: number): void {
    if (type === FrameType.Version) {
      const text = decodeVersionText(bytes, start, end)
      const version = text === undefined ? undefined : parseVersion(text)
      this.#source = version === undefined ? undefined : makeSource(version, '')
      this.#record.sequenceBase = -1n
    } else if (type === FrameType.Identity && this.#source !== undefined) {
      const identity = decodeIdentity(bytes, start, end)
      if (identity !== undefined) this.#source = makeSource(this.#source.version, decodeUtf8(identity))
    } else if (type === FrameType.Ring && this.#source !== undefined) {
      const ring = decodeRing(bytes, start, end)
      if (ring === undefined) return
      this.#source = makeSource(this.#source.version, this.#source.identity, ring.bootId)
      this.#record.sequenceBase = ring.nextSequence
      this.#record.sequenceOffset = 0
    } else this.everyControl(bytes, start, end)
  }

  /** Every decoder of a control frame must take any payload. */
  everyControl(bytes: Uint8Array, start: number, end: number): void {
    decodeAcknowledgement(bytes, start, end)
    const dropped = decodeDropped(bytes, start, end)
    if (dropped !== undefined && dropped.count < 0n) throw new Error('a negative count')
    decodeCheckpoint(bytes, start, end)
    decodeRing(bytes, start, end)
    const identity = decodeIdentity(bytes, start, end)
    if (identity?.includes(0)) throw new Error('a NUL inside of a text')
    const text = decodeVersionText(bytes, start, end)
    if (text !== undefined) parseVersion(text)
  }

  #log(bytes: Uint8Array, start: number, end: number): void {
    if (this.#source === undefined) return
    const record = this.#record
    record.source = this.#source
    record.reset(bytes, start, end)
    record.sequenceOffset++
    if (!record.walkHead()) return
    record.severity()
    if (!record.walk()) return
    this.records++
    const room = this.#encoder.room(record)
    // A long input is written where nothing else is; the usual one in the same place again and again.
    const out = room + GUARD_BYTES <= OUT_BYTES ? this.#out : roomOf(new Uint8Array(room + GUARD_BYTES))
    out.words.setBigUint64(room, 0xa5a5a5a5a5a5a5a5n)
    out.words.setBigUint64(room + 8, 0xa5a5a5a5a5a5a5a5n)
    const written = this.#encoder.encode(record, out, 0)
    const guarded =
      out.words.getBigUint64(room) === 0xa5a5a5a5a5a5a5a5n &&
      out.words.getBigUint64(room + 8) === 0xa5a5a5a5a5a5a5a5n
    if (written > room || !guarded) throw new Error(`wrote ${written} bytes into a room of ${room}`)
    JSON.parse(fatal.decode(out.bytes.subarray(0, written)))
  }
}

/** Makes the next input: a preamble and one to three frames, or frames alone, and then some damage. */
function next(draft: Draft, random: Random): void {
  draft.length = 0
  const put = (bytes: Uint8Array): void => {
    draft.bytes.set(bytes, draft.length)
    draft.length += bytes.length
  }
  if (random.below(16) !== 0) put(random.pick(preambles))
  const safe = draft.length
  for (let left = 1 + random.below(3); left > 0; left--) put(random.pick(frames))
  if (random.below(4) === 0) return mutate(draft, random, random.pick(frames))
  // Three of four leave the preamble whole, so that what they damage is a record.
  const rest: Draft = { bytes: draft.bytes.subarray(safe), length: draft.length - safe }
  mutate(rest, random, random.pick(frames))
  draft.length = safe + rest.length
}

/** A control frame's payload, damaged, for all decoders. */
function nextControl(draft: Draft, random: Random): void {
  const frame = random.pick(controls)
  draft.bytes.set(frame.subarray(FRAME_HEADER_BYTES))
  draft.length = frame.length - FRAME_HEADER_BYTES
  mutate(draft, random, random.pick(frames))
}

/** Memory that is in use. What other tests of this process have left is collected first: it would be in the way later. */
const mebibytes = (): number => {
  Bun.gc(true)
  return process.memoryUsage().rss / 2 ** 20
}

test(
  'any bytes',
  () => {
    const random = new Random(seed)
    const target = new Target()
    const draft: Draft = { bytes: new Uint8Array(4096), length: 0 }
    const begin = performance.now()
    const elapsed = (): number => (performance.now() - begin) / 1000
    const wanted = given === undefined ? MILLION : 0
    let inputs = 0
    let before = 0
    try {
      while (inputs % 1024 !== 0 || inputs < wanted || elapsed() < seconds) {
        if (random.below(8) === 0) {
          nextControl(draft, random)
          target.everyControl(draft.bytes, 0, draft.length)
        } else {
          next(draft, random)
          target.read(draft.bytes.subarray(0, draft.length), random)
        }
        if (++inputs === 100_000) before = mebibytes()
      }
    } catch (error) {
      const hex = Buffer.from(draft.bytes.subarray(0, draft.length)).toString('hex')
      throw new Error(`FUZZ_SEED=${seed}, input ${inputs}: ${hex}`, { cause: error })
    }
    const rate = Math.round(inputs / elapsed())
    console.log(
      `fuzz codec: ${inputs} inputs, ${rate}/s, ${target.records} records written, ` +
        `${target.refused} streams refused, FUZZ_SEED=${seed}`,
    )
    expect(inputs).toBeGreaterThanOrEqual(wanted)
    // Damage that is all refused, or never, would test nothing.
    expect(target.records).toBeGreaterThan(inputs / 10)
    expect(target.refused).toBeGreaterThan(inputs / 20)
    if (before > 0) expect(mebibytes() - before).toBeLessThan(256)
  },
  (seconds + 120) * 1000,
)
