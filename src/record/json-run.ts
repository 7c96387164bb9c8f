import * as Layout from '../../kernel/layout.ts'
import { FRAME_HEADER_BYTES } from '../codec/frame.ts'
import { type JsonEncoder, setSequence } from './json.ts'
import { kernelFor, RUN_BYTES } from './kernel.ts'
import type { Run, RunRendered } from './run.ts'

/** A run of fewer records does not pay for the copy of what came. */
const FEW_RECORDS = 8
/** Records to render one by one, at the most, before a run is tried again. */
const MOST_ALONE = 64

/**
 * Writes records that follow each other as canonical JSON, a line each, many at once: the kernel finds their fields by itself.
 * It stops in front of a record that only `JsonEncoder` can write: one that is not UTF-8, has a trace context, is very long, or
 * from logfebe-1.
 */
export class JsonRuns {
  readonly #encoder: JsonEncoder
  /** Records that are left to `JsonEncoder` without a try, as it was of no use lately; and how many will be the next time. */
  #alone = 0
  #nextAlone = 1

  /** @param encoder gets the records that are left */
  constructor(encoder: JsonEncoder) {
    this.#encoder = encoder
  }

  /**
   * Writes as many records as it can at once to `out`, from `at` on.
   *
   * @returns what was done; undefined when the first is left
   */
  encode(run: Run, out: Uint8Array, at: number): RunRendered | undefined {
    if (this.#alone > 0) {
      this.#alone--
      return undefined
    }
    const rendered = this.#render(run, out, at)
    if (rendered === undefined || rendered.records < FEW_RECORDS) {
      this.#alone = this.#nextAlone
      this.#nextAlone = Math.min(MOST_ALONE, 2 * this.#nextAlone)
    } else this.#nextAlone = 1
    return rendered
  }

  #render(run: Run, out: Uint8Array, at: number): RunRendered | undefined {
    const { first } = run
    const { source } = first
    // NaN, too: the kernel has the sequence of the first one, and counts on.
    if (source.version.protocol !== 2 || !(first.sequenceStart >= 0)) return undefined
    const kernel = kernelFor(RUN_BYTES)
    kernel.setPieces(this.#encoder.textsFor(source))
    setSequence(kernel.parameters, first)
    const records = kernel.renderRun(run, out, at)
    if (records === 0) return undefined
    const end = kernel.parameters[Layout.TAKEN]! + first.start - FRAME_HEADER_BYTES
    return { records, end, ends: kernel.ends.subarray(0, records) }
  }
}
