/**
 * Everything that can be seen of a listener from outside, at one moment. The metrics page, the health pages and
 * `pgturret status` are all made of it, so they cannot disagree, and nothing is counted twice.
 *
 * Times are milliseconds since 1970-01-01 UTC unless the name says seconds; sizes are bytes. Counts only grow while the
 * process lives; those of exporters and of a journal on disk outlive it.
 */

/** What an exporter can be doing. */
export const EXPORTER_STATES = ['idle', 'sending', 'retrying', 'blocked', 'closed'] as const

/**
 * What an exporter is doing: `retrying` is trouble that may pass, `blocked` waits for a person (credentials,
 * permissions, a missing target), `closed` takes nothing more.
 */
export type ExporterState = (typeof EXPORTER_STATES)[number]

/** How a journal can be. */
export const JOURNAL_STATES = ['ok', 'full', 'failing'] as const

/** How the journal is: `full` has no room for what arrives, `failing` cannot be written. */
export type JournalState = (typeof JOURNAL_STATES)[number]

/** A histogram of times, in seconds. */
export interface LatencySnapshot {
  /** Upper bounds, growing. */
  readonly bounds: readonly number[]
  /** Events of each bound that fit no smaller one; one number more than bounds, the last for what is above all. */
  readonly counts: readonly number[]
  /** All times together. */
  readonly sum: number
  readonly count: number
}

/** One destination. Positions count journal entries. */
export interface ExporterSnapshot {
  /** Of the configuration, or TYPE-xxxxxxxx: short, and safe as a label. */
  readonly name: string
  /** `http`. */
  readonly type: string
  /** What messages call it; holds no secret, but may hold a path or an address. */
  readonly label: string
  readonly state: ExporterState
  readonly position: number
  readonly lagRecords: number
  /** An estimate. */
  readonly lagBytes: number
  /** Age of the oldest entry that is not delivered; 0 when there is none. */
  readonly lagSeconds: number
  readonly delivered: number
  readonly rejected: number
  readonly filtered: number
  /** Entries that are no records: word of what a sender did not keep. */
  readonly notes: number
  /** Records by reason: `retention`, `gave_up`, `damaged`, … */
  readonly dropped: Readonly<Record<string, number>>
  readonly retried: number
  readonly batches: number
  readonly deadLetters: number
  /** The last failure, whether or not it is over. */
  readonly lastError: string | undefined
  readonly lastErrorAt: number | undefined
  /** Of one send. */
  readonly latency: LatencySnapshot
}

/** The journal. Positions count entries since it began. */
export interface JournalSnapshot {
  readonly kind: 'disk' | 'memory'
  /** None in memory. */
  readonly folder: string | undefined
  /** Position of the oldest entry that is kept. */
  readonly start: number
  readonly end: number
  /** Entries before this position are synced. */
  readonly durable: number
  readonly bytes: number
  readonly segments: number
  /** When the oldest entry that is kept came in. */
  readonly oldestMs: number | undefined
  readonly state: JournalState
  readonly lastError: string | undefined
  /** Found damaged while reading, and left out. */
  readonly damagedBytes: number
  /** Cut off at a start, as a write had not been finished. */
  readonly cutBytes: number
  readonly syncs: number
}

/** The socket that PostgreSQL sends to. */
export interface ListenerSnapshot {
  readonly socket: string
  /** The socket is there and takes connections. */
  readonly listening: boolean
  /** Connections that are open. */
  readonly open: number
  /** Connections since the start. */
  readonly connections: number
  /** Without those that came a second time. */
  readonly records: number
  readonly repeated: number
  /** Malformed records that came again after they had ended a connection, and were passed over. */
  readonly skipped: number
  /** Connections that were ended for what they sent, by reason. */
  readonly refused: Readonly<Record<string, number>>
  /** Left out by --level. */
  readonly unwanted: number
  /** What senders said they did not keep. */
  readonly droppedBySender: bigint
  /** Of senders that cannot wait, when there was no room, by reason: `journal_full`, … */
  readonly droppedHere: Readonly<Record<string, number>>
  /** Senders are made to wait. */
  readonly waiting: boolean
}

/** A listener at one moment. */
export interface Snapshot {
  readonly version: string
  readonly pid: number
  readonly startedMs: number
  readonly nowMs: number
  readonly listener: ListenerSnapshot
  readonly journal: JournalSnapshot
  readonly exporters: readonly ExporterSnapshot[]
  /** Told to stop; sends what is left. */
  readonly stopping: boolean
}
