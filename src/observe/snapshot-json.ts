import { z } from 'zod'
import { EXPORTER_STATES, JOURNAL_STATES, type Snapshot } from './snapshot.ts'

/**
 * A snapshot as one line of JSON. Every key is always there: `null` is a value that there is not. `droppedBySender`
 * is a text of digits, since it may have more of them than a JSON reader keeps; every other number is exact.
 */
export function snapshotJson(snapshot: Snapshot): string {
  return JSON.stringify(snapshot, (_, value: unknown) => {
    if (typeof value === 'bigint') return value.toString()
    return value === undefined ? null : value
  })
}

const absent = <T extends z.ZodType>(type: T) => type.nullable().transform((value) => value ?? undefined)

const byReason = z.record(z.string(), z.number())

const latency = z
  .object({ bounds: z.array(z.number()), counts: z.array(z.number()), sum: z.number(), count: z.number() })
  .refine(({ bounds, counts }) => counts.length === bounds.length + 1)

const exporter = z.object({
  name: z.string(),
  type: z.string(),
  label: z.string(),
  state: z.enum(EXPORTER_STATES),
  position: z.number(),
  lagRecords: z.number(),
  lagBytes: z.number(),
  lagSeconds: z.number(),
  delivered: z.number(),
  rejected: z.number(),
  filtered: z.number(),
  notes: z.number(),
  dropped: byReason,
  retried: z.number(),
  batches: z.number(),
  deadLetters: z.number(),
  lastError: absent(z.string()),
  lastErrorAt: absent(z.number()),
  latency,
})

const journal = z.object({
  kind: z.enum(['disk', 'memory']),
  folder: absent(z.string()),
  start: z.number(),
  end: z.number(),
  durable: z.number(),
  bytes: z.number(),
  segments: z.number(),
  oldestMs: absent(z.number()),
  state: z.enum(JOURNAL_STATES),
  lastError: absent(z.string()),
  damagedBytes: z.number(),
  cutBytes: z.number(),
  syncs: z.number(),
})

const listener = z.object({
  socket: z.string(),
  listening: z.boolean(),
  open: z.number(),
  connections: z.number(),
  records: z.number(),
  repeated: z.number(),
  skipped: z.number(),
  refused: byReason,
  unwanted: z.number(),
  droppedBySender: z
    .string()
    .regex(/^\d{1,40}$/)
    .transform(BigInt),
  droppedHere: byReason,
  waiting: z.boolean(),
})

const snapshot = z.object({
  version: z.string(),
  pid: z.number(),
  startedMs: z.number(),
  nowMs: z.number(),
  listener,
  journal,
  exporters: z.array(exporter),
  stopping: z.boolean(),
})

/** Reads what `snapshotJson` wrote; undefined for anything else, such as the answer of another program. */
export function parseSnapshot(text: string): Snapshot | undefined {
  try {
    const read = snapshot.safeParse(JSON.parse(text))
    return read.success ? read.data : undefined
  } catch {
    return undefined
  }
}
