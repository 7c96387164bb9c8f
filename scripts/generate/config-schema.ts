import { configSchema } from '../../src/config/json-schema.ts'
import { EXPORTERS } from '../../src/exporters/registry.generated.ts'

/** `docs/reference/pgturret.schema.json`: what `pgturret config schema` prints. */
export function configJsonSchema(): string {
  const { $schema, $id, ...schema } = configSchema(EXPORTERS)
  const $comment = 'Generated from src/config/ and src/exporters/ by scripts/generate.ts. Do not edit.'
  return `${JSON.stringify({ $schema, $id, $comment, ...schema }, null, 2)}\n`
}
