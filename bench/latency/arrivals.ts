/** Latencies of marked statements, and how much came with how many batches. */
export class Arrivals {
  /** Milliseconds from each marked statement to its arrival, by its number. */
  readonly latencies = new Map<number, number>()
  batches = 0
  records = 0

  /** Takes one batch. */
  take(text: string, arrivedMs: number): void {
    this.batches++
    this.records += countLines(text)
    for (const [, id, micros] of text.matchAll(/mark (\d+) (\d{16})/g)) {
      if (!this.latencies.has(Number(id))) this.latencies.set(Number(id), arrivedMs - Number(micros) / 1000)
    }
  }
}

function countLines(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  return count
}

/** SQL that logs its number, and the server's clock in microseconds. */
export const markSql = (id: number): string =>
  `DO $$BEGIN RAISE LOG 'mark % %', ${id}, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint; END$$;\n`

/** The value that so many percent are not above. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN
}
