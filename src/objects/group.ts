import type { Batch } from '../exporter.ts'
import { envelopeBody } from '../render/envelope.ts'
import { type ObjectSource, readObjectHead, readObjectSource } from '../render/object-head.ts'

const HOUR_MICROS = 3_600_000_000

/** A record of a group: where its body lies in the batch, and what it is called. */
export interface Member {
  /** In the batch. */
  readonly index: number
  readonly start: number
  readonly end: number
  readonly micros: number
  readonly sequence: number
  readonly ownUid: string
}

/** Records of one batch, one server and one hour (UTC), in their order: what may share an object. */
export interface Group {
  readonly source: ObjectSource
  /** Hours since 1970. */
  readonly hour: number
  readonly members: readonly Member[]
}

/** Cuts a batch of envelopes (`ObjectHeadWriter`) into groups, in the order of their first records. */
export function groupsOf({ bytes, ends }: Batch): Group[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const groups: { key: Buffer; group: Group; members: Member[] }[] = []
  let last: (typeof groups)[number] | undefined
  let from = 0
  for (const [index, end] of ends.entries()) {
    const start = envelopeBody(view, from)
    const { micros, sequence, ownUid, source } = readObjectHead(buffer, from + 4, start)
    const hour = Math.floor(micros / HOUR_MICROS)
    const isOf = (one: (typeof groups)[number]) => one.group.hour === hour && one.key.equals(source)
    if (last === undefined || !isOf(last)) {
      last = groups.find(isOf)
      if (last === undefined) {
        const members: Member[] = []
        last = { key: source, members, group: { source: readObjectSource(source), hour, members } }
        groups.push(last)
      }
    }
    last.members.push({ index, start, end, micros, sequence, ownUid })
    from = end
  }
  return groups.map(({ group }) => group)
}

/** The unique id of a member. */
export const uidOfMember = ({ source }: Group, { sequence, ownUid }: Member): string =>
  `${source.uidPrefix}${sequence >= 0 ? sequence : ownUid}`
