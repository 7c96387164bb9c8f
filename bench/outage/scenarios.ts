/** A story of trouble. Times are seconds since records began to come. */
export interface Scenario {
  readonly name: string
  readonly perSecond: number
  readonly seconds: number
  /** The destination refuses from here … */
  readonly downAt: number
  /** … to here. */
  readonly upAt: number
  /** How the agent ends in between, and when it is started again (at the earliest: when it has ended). */
  readonly end?: { readonly signal: 'SIGKILL' | 'SIGTERM'; readonly at: number; readonly againAt: number }
}

const kill = (name: string, signal: 'SIGKILL' | 'SIGTERM', scale: number): Scenario => ({
  name,
  perSecond: 2000,
  seconds: 15 / scale,
  downAt: 0,
  upAt: 18 / scale,
  end: { signal, at: 10 / scale, againAt: 11 / scale },
})

/** The three that every agent goes through; `scale` 5 makes them five times shorter. */
export const scenarios = (scale: number): Scenario[] => [
  kill('kill9', 'SIGKILL', scale),
  kill('term', 'SIGTERM', scale),
  { name: 'outage', perSecond: 1000, seconds: 45 / scale, downAt: 5 / scale, upAt: 35 / scale },
]
