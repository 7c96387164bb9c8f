import { JsonEncoder } from '../record/json.ts'
import { JsonRuns } from '../record/json-run.ts'
import type { Room } from '../record/room.ts'
import type { Run, RunRendered } from '../record/run.ts'
import type { RecordView } from '../record/view.ts'
import type { Encoder } from './encoder.ts'

const NEWLINE = 0x0a

/** Writes records as canonical JSON, a line each. */
export class JsonLinesEncoder implements Encoder {
  readonly #json = new JsonEncoder()
  readonly #runs = new JsonRuns(this.#json)

  room(record: RecordView): number {
    return this.#json.room(record) + 1
  }

  encode(record: RecordView, out: Room, at: number): number {
    const end = this.#json.encode(record, out, at)
    out.bytes[end] = NEWLINE
    return end + 1
  }

  encodeRun(run: Run, out: Room, at: number): RunRendered | undefined {
    return this.#runs.encode(run, out.bytes, at)
  }
}
