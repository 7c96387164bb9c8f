/** What the process says with its exit. */
export const ExitCode = {
  Done: 0,
  /** A bug of ours. */
  Bug: 1,
  /** Usage or configuration; nothing was started. */
  Usage: 2,
  /** Damaged input; everything readable was delivered. */
  DamagedInput: 3,
  /** Finished, but some records were rejected or not delivered. */
  NotAllDelivered: 4,
} as const
