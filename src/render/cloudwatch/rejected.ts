/** What PutLogEvents answers of events that it did not take; the others of the call are accepted. */
export interface RejectedEvents {
  readonly rejectedLogEventsInfo?: {
    /** The first that is too new. */
    readonly tooNewLogEventStartIndex?: number
    /** The one behind the last that is too old. */
    readonly tooOldLogEventEndIndex?: number
    /** The one behind the last that is older than the log group keeps events. */
    readonly expiredLogEventEndIndex?: number
  }
  /** About what the events would belong to, had the call said so; they are taken all the same. */
  readonly rejectedEntityInfo?: unknown
}

/** A record that was not taken. */
export interface RejectedRecord {
  /** In the batch. */
  readonly index: number
  readonly reason: string
}

/**
 * The records that an answer is about; its numbers count events in the order of the call.
 *
 * @param indexes of each event of the call, its record's index in the batch
 */
export function rejectedOf(answer: RejectedEvents, indexes: readonly number[]): RejectedRecord[] {
  const {
    tooNewLogEventStartIndex: tooNew = indexes.length,
    tooOldLogEventEndIndex: tooOld = 0,
    expiredLogEventEndIndex: expired = 0,
  } = answer.rejectedLogEventsInfo ?? {}
  return indexes.flatMap((index, n) => {
    if (n < tooOld) return { index, reason: 'too old: CloudWatch takes nothing from before 14 days ago' }
    if (n < expired) return { index, reason: 'expired: older than the log group keeps events' }
    return n >= tooNew ? { index, reason: 'too new: more than two hours ahead of CloudWatch' } : []
  })
}
