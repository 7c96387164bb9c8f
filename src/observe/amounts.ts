/** Amounts as a person reads them. */

/** `1,234,567`. */
export function countText(count: number | bigint): string {
  return count.toLocaleString('en-US')
}

const SIZE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** `512 B`, `1.2 MB`, `80 GB`; units count by 1024, as PostgreSQL's do and as options are written. */
export function sizeText(bytes: number): string {
  let value = bytes
  let unit = 0
  // What would be shown as 1024 of a unit is one of the next.
  while (value >= 1023.5 && unit < SIZE_UNITS.length - 1) {
    value /= 1024
    unit++
  }
  const digits = unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value).toString()
  return `${digits} ${SIZE_UNITS[unit]}`
}

const SPAN_UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
]

/** `0.4s`, `3s`, `2m 5s`, `3h 12m`, `4d 3h`: two units at most, the rest is left out. */
export function spanText(seconds: number): string {
  if (seconds < 9.95 && !Number.isInteger(seconds)) return `${Math.max(0, seconds).toFixed(1)}s`
  const whole = Math.max(0, Math.round(seconds))
  const first = SPAN_UNITS.findIndex(([, size]) => whole >= size)
  if (first < 0) return '0s'
  const [unit, size] = SPAN_UNITS[first]!
  const head = `${Math.floor(whole / size)}${unit}`
  const next = SPAN_UNITS[first + 1]
  const rest = next === undefined ? 0 : Math.floor((whole % size) / next[1])
  return rest === 0 ? head : `${head} ${rest}${next![0]}`
}

/** `512`, `2.5`, `<0.1`, `0`: how many in a second. */
export function rateText(perSecond: number): string {
  if (perSecond === 0) return '0'
  if (perSecond < 0.05) return '<0.1'
  return perSecond < 9.95 ? perSecond.toFixed(1) : countText(Math.round(perSecond))
}
