import { exporterTo } from '../../src/cli/destinations.ts'
import { encodingOf } from '../../src/cli/encodings.ts'
import type { LogFields } from '../../src/codec/log.ts'
import type { Batch, Exporter } from '../../src/exporter.ts'
import { roomOf } from '../../src/record/room.ts'
import type { RecordView } from '../../src/record/view.ts'
import { recordOf } from '../record/records.ts'
import type { Cluster } from '../support/postgres.ts'
import { calm } from './batches.ts'
import { destinationOf } from './conformance/stage.ts'
import type { ExporterFlags } from './conformance.ts'

/** Where a cluster is, for a role that needs no password. */
export const urlOf = (cluster: Cluster, user = 'postgres', database = 'postgres'): string =>
  `postgres://${user}@${encodeURIComponent(cluster.socketDir)}:${cluster.port}/${database}`

/** When the records of these tests are from, unless they say otherwise. */
export const NOON = Date.UTC(2026, 2, 1, 12)

let sequence = 0n

/** A record with a uid of its own. */
export function someRecord(fields: LogFields = {}, atMs = NOON): RecordView {
  sequence++
  const LogTime = new Date(atMs).toISOString().replace('T', ' ').replace('Z', ' UTC')
  const usual = { LogTime, TimeMicros: BigInt(atMs) * 1000n, SessionId: '65e0a1.1f', ELevel: 15 }
  return recordOf({ ...usual, Encoding: 'UTF8', ...fields }, { sequence, bootId: 7n })
}

/** The exporter, by the options of its flags, and what encodes for it. */
export class Writer {
  readonly exporter: Exporter
  readonly #encoder

  constructor(to: string, options: ExporterFlags = {}) {
    const destination = destinationOf(
      { exporter: 'postgres', start: () => Promise.reject(new Error('there is none')) },
      { to, options },
    )
    this.exporter = exporterTo(destination)
    this.#encoder = encodingOf(destination, { color: false, everywhere: false }).encoder()
  }

  /** One that is open. */
  static async open(to: string, options: ExporterFlags = {}): Promise<Writer> {
    const writer = new Writer(to, options)
    await writer.exporter.open!(calm)
    return writer
  }

  batch(records: readonly RecordView[]): Batch {
    const parts = records.map((record) => {
      const room = roomOf(new Uint8Array(this.#encoder.room(record)))
      return room.bytes.subarray(0, this.#encoder.encode(record, room, 0))
    })
    let end = 0
    const ends = Uint32Array.from(parts, (part) => (end += part.length))
    return { records: records.length, bytes: Buffer.concat(parts), ends }
  }

  send(...records: readonly RecordView[]): Promise<void> {
    return this.exporter.send(this.batch(records), calm)
  }

  async close(): Promise<void> {
    await this.exporter.close!()
  }
}
