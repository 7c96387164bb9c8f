import { z } from 'zod'
import { eventSchema } from '../../src/record/schema.ts'

/** Grows by one when a key changes its meaning or goes away; a new key does not count. */
const VERSION = 1

/** `docs/reference/record.schema.json`: the canonical event as JSON Schema, 2020-12. */
export function recordSchema(): string {
  const { $schema, ...schema } = z.toJSONSchema(eventSchema, { target: 'draft-2020-12' })
  const document = {
    $schema,
    $id: `urn:pgturret:record:${VERSION}`,
    $comment: 'Generated from src/record/schema.ts by scripts/generate.ts. Do not edit.',
    title: 'PostgreSQL log record',
    description:
      "One record of a PostgreSQL server's log, as pgturret writes it: the keys of PostgreSQL's jsonlog, and more.",
    version: VERSION,
    ...schema,
  }
  return `${JSON.stringify(document, null, 2)}\n`
}
