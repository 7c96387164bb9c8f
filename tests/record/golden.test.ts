import { describe, expect, test } from 'bun:test'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { JsonEncoder } from '../../src/record/json.ts'
import { eventSchema } from '../../src/record/schema.ts'
import { GOLDEN_STREAMS } from './golden-streams.ts'
import { eachRecord, jsonOf } from './records.ts'
import { referenceJson } from './reference.ts'

/**
 * Golden files: `tests/fixtures/golden/*.febe` and, beside each, the canonical JSON of its records, one a line
 * (`.ndjson`). The captures of a real pg_logfebe have theirs too.
 *
 * The `.febe` files come from golden-streams.ts. After a change that is meant, make them anew and read the difference
 * before it is committed:
 *
 *     UPDATE_GOLDEN=1 bun test tests/record/golden.test.ts && git diff tests/fixtures
 */

const fixture = (path: string): URL => new URL(`../fixtures/${path}`, import.meta.url)
const update = process.env['UPDATE_GOLDEN'] === '1'

if (update) {
  mkdirSync(fixture('golden'), { recursive: true })
  for (const [name, stream] of Object.entries(GOLDEN_STREAMS)) {
    writeFileSync(fixture(`golden/${name}.febe`), Buffer.concat(stream()))
  }
}

const names = ['golden', 'captures'].flatMap((folder) =>
  readdirSync(fixture(folder))
    .filter((file) => file.endsWith('.febe'))
    .map((file) => `${folder}/${file.slice(0, -'.febe'.length)}`),
)

/** The canonical JSON of a file's records, and the same by the reference. */
function linesOf(name: string): { lines: string[]; reference: string[] } {
  const encoder = new JsonEncoder()
  const lines: string[] = []
  const reference: string[] = []
  eachRecord(readFileSync(fixture(`${name}.febe`)), (record) => {
    lines.push(jsonOf(record, encoder))
    const payload = record.bytes.slice(record.start, record.end)
    reference.push(referenceJson(record.source, payload, record.sequence))
  })
  return { lines, reference }
}

const ndjson = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')

describe.each(names)('%s', (name) => {
  const { lines, reference } = linesOf(name)
  if (update) writeFileSync(fixture(`${name}.ndjson`), ndjson(lines))

  test('is the JSON that is committed, byte for byte', () => {
    expect(ndjson(lines)).toBe(readFileSync(fixture(`${name}.ndjson`), 'utf8'))
  })

  test('is what the slow way makes', () => {
    expect(lines.length).toBeGreaterThan(0)
    expect(lines).toEqual(reference)
  })

  test('is an event by the schema', () => {
    for (const line of lines) {
      const event: unknown = JSON.parse(line)
      expect(eventSchema.parse(event)).toEqual(event as ReturnType<typeof eventSchema.parse>)
    }
  })
})

test('every stream is committed, and nothing else', () => {
  const golden = readdirSync(fixture('golden')).sort()
  expect(golden).toEqual(
    Object.keys(GOLDEN_STREAMS)
      .flatMap((name) => [`${name}.febe`, `${name}.ndjson`])
      .sort(),
  )
  for (const [name, stream] of Object.entries(GOLDEN_STREAMS)) {
    expect(Buffer.compare(readFileSync(fixture(`golden/${name}.febe`)), Buffer.concat(stream()))).toBe(0)
  }
})
