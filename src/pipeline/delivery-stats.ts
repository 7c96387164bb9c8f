/**
 * What happened to the records that one destination was given.
 *
 * accepted = delivered + rejected + dropped + what waits; and what has been settled since the first position is
 * delivered + rejected + dropped + filtered + notes.
 */
export interface DeliveryStats {
  accepted: number
  delivered: number
  /** Refused by the destination for good. */
  rejected: number
  /** Never sent, or given up: the sum of `droppedBy`. */
  dropped: number
  /**
   * By reason: `queue_full`, `gave_up` (tried as long as was allowed), `closed` (nobody reads any more), `stopped` (no
   * time left at the end), and those of `Delivery.lose`.
   */
  droppedBy: Record<string, number>
  /** Left out by the destination's own filter. */
  filtered: number
  /** Word of records that a sender did not keep. */
  notes: number
  /** Attempts that failed and were made again. */
  retried: number
  /** Requests that the destination took, at least in part. */
  batches: number
  /** Dead letters that were stored. */
  deadLetters: number
  lastError: string | undefined
  /** When that was, in milliseconds since 1970. */
  lastErrorAt: number | undefined
}

/** Counts that begin at nothing, or where an earlier process ended. What waited then is not counted as accepted. */
export function newStats(restored: Partial<DeliveryStats> = {}): DeliveryStats {
  const { delivered = 0, rejected = 0, filtered = 0, notes = 0, retried = 0, batches = 0 } = restored
  const droppedBy = { ...restored.droppedBy }
  const dropped = Object.values(droppedBy).reduce((sum, records) => sum + records, 0)
  return {
    accepted: delivered + rejected + dropped,
    delivered,
    rejected,
    dropped,
    droppedBy,
    filtered,
    notes,
    retried,
    batches,
    deadLetters: restored.deadLetters ?? 0,
    lastError: restored.lastError,
    lastErrorAt: restored.lastErrorAt,
  }
}

/** Counts records as dropped. */
export function countDropped(stats: DeliveryStats, reason: string, records: number): void {
  if (records === 0) return
  stats.dropped += records
  stats.droppedBy[reason] = (stats.droppedBy[reason] ?? 0) + records
}

/**
 * A copy that counts settled records only.
 *
 * @param ahead drops that are counted already although what is in front of them is not settled
 */
export function settledStats(stats: DeliveryStats, ahead: ReadonlyMap<string, number>): DeliveryStats {
  const copy = { ...stats, droppedBy: { ...stats.droppedBy } }
  for (const [reason, records] of ahead) {
    copy.dropped -= records
    copy.droppedBy[reason]! -= records
    if (copy.droppedBy[reason] === 0) delete copy.droppedBy[reason]
  }
  copy.accepted = copy.delivered + copy.rejected + copy.dropped
  return copy
}
