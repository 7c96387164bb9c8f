import { type Clock, systemClock } from '../../../src/clock.ts'

/** A wait is over after so many milliseconds, however long it was meant to be. */
const MOST_MS = 10

/** The real time, for those in a hurry: waits are noted, and cut short. */
export class HastyClock implements Clock {
  /** Every wait that was asked for, in milliseconds. */
  readonly waits: number[] = []

  readonly now = (): number => systemClock.now()

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.waits.push(ms)
    return systemClock.sleep(Math.min(ms, MOST_MS), signal)
  }
}
