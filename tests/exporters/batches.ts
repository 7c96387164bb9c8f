import type { Batch } from '../../src/exporter.ts'

/** Records for an exporter, as the pipeline would hand them over: a line each. */
export function batchOf(lines: readonly string[]): Batch {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  const ends = new Uint32Array(lines.length)
  let end = 0
  lines.forEach((line, i) => {
    end += Buffer.byteLength(line) + 1
    ends[i] = end
  })
  return { records: lines.length, bytes, ends }
}

/** Lines of JSON that are told apart by their number. */
export const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => JSON.stringify({ message: `récord "${n}"`, n }))

/** Never aborted. */
export const calm = new AbortController().signal

/** What a promise was rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not fail')
}
