import type { Log } from '../log.ts'

/** Says once that a filter expression asks for something that some records do not have a value of. */
export const uncomputable =
  (log: Log, destination?: string) =>
  (reason: string): void =>
    log.warn('the filter expression cannot be computed for some records: such a value counts as absent', {
      reason,
      ...(destination === undefined ? {} : { destination }),
    })
