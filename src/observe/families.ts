import type { Family, Labels, Sample } from './exposition.ts'

/** A count without labels that only grows; `name` without `_total`. */
export function counter(name: string, help: string, value: number | bigint): Family {
  return { name, type: 'counter', help, samples: [{ labels: {}, value }] }
}

/** A value without labels; no series while there is no value. */
export function gauge(name: string, help: string, value: number | undefined): Family {
  return { name, type: 'gauge', help, samples: value === undefined ? [] : [{ labels: {}, value }] }
}

/** Yes or no, as 1 or 0. */
export function flag(name: string, help: string, value: boolean): Family {
  return gauge(name, help, value ? 1 : 0)
}

/** A series per state, 1 for the present one: all of them are always there, so that a change is seen as one. */
export function stateSamples(states: readonly string[], present: string, labels: Labels = {}): Sample[] {
  return states.map((state) => ({ labels: { ...labels, state }, value: state === present ? 1 : 0 }))
}
