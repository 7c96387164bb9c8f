import { PARAMETERS } from './layout'

/** What a record is rendered with beside itself: see layout.ts. */

export function parameter(index: u32): u32 {
  return load<u32>(PARAMETERS + (index << 2))
}

export function setParameter(index: u32, value: u32): void {
  store<u32>(PARAMETERS + (index << 2), value)
}
