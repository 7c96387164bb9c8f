import { z } from 'zod'
import { EXPORTER_NAME, type ExporterType, sharedOptionsOf } from './exporter-options.ts'
import { fileSpecs } from './file-table.ts'
import { listenOptions } from './listen-options.ts'
import type { OptionMeta } from './values.ts'

/** Grows by one when a key changes its meaning or goes away; a new key does not count. */
const VERSION = 1

/**
 * JSON Schema of pgturret.toml, for editors and other programs.
 *
 * @param types kinds of exporters that there are
 */
export function configSchema(types: readonly ExporterType[]): Record<string, unknown> {
  const exporters = z
    .record(z.string().regex(EXPORTER_NAME), z.union(types.flatMap(exporterSchemas)))
    .optional()
    .meta({ description: 'Destinations, by a name of your own: [exporters.name]' })
  const file = z.strictObject({ ...inFile(listenOptions), exporters })
  const { $schema, ...schema } = z.toJSONSchema(file, {
    target: 'draft-2020-12',
    io: 'input',
    override: ({ jsonSchema }) => describe(jsonSchema as Record<string, unknown>),
  })
  return {
    $schema,
    $id: `urn:pgturret:config:${VERSION}`,
    title: 'pgturret.toml',
    description: 'Configuration of pgturret listen.',
    ...schema,
  }
}

/** Options under the names that they have in a file. */
const inFile = (schema: z.ZodObject): Record<string, z.ZodType> =>
  Object.fromEntries(fileSpecs(schema).map(({ key, fileKey }) => [fileKey, schema.shape[key] as z.ZodType]))

/** A type's tables: each may leave out what the rest says already. */
function exporterSchemas(type: ExporterType): z.ZodType[] {
  const schemes = type.schemes.map((scheme) => `${scheme}:`)
  const name = z.literal(type.name).meta({ description: 'kind of destination; the url tells it, too' })
  const url = z
    .string()
    .regex(new RegExp(`^(?:${schemes.join('|')})`))
    .meta({ description: `where to: a URL that begins with ${schemes.join(' or ')}` })
  const rest = { ...inFile(type.options), ...inFile(sharedOptionsOf(type)) }
  const about = { title: type.name, description: type.summary }
  const byUrl = z.strictObject({ type: name.optional(), url, ...rest }).meta(about)
  return needsUrl(type) ? [byUrl] : [z.strictObject({ type: name, ...rest }).meta(about), byUrl]
}

/** Whether there is something that only a URL can say. */
const needsUrl = ({ options }: ExporterType): boolean =>
  (Object.values(options.shape) as z.ZodType[]).some(
    (field) => (field.meta() as OptionMeta | undefined)?.fromUrl && !field.safeParse(undefined).success,
  )

/** Words of ours that JSON Schema does not have. */
const OURS = ['value', 'secret', 'redact', 'fromUrl', 'notInFile', 'expected', 'types', 'json', 'example']

/** Says in JSON Schema's words what the option's own say. */
function describe(node: Record<string, unknown>): void {
  const { types, json, example } = node as OptionMeta
  if (json !== undefined) Object.assign(node, json)
  if (types !== undefined) node['type'] = types
  const { type, default: standard } = node
  if (Array.isArray(type) && type[0] === 'integer' && typeof standard === 'string')
    node['default'] = Number(standard)
  if (example !== undefined) node['examples'] = [type === 'array' ? [example] : example]
  // Where there is a default, or a list of words, that is example enough.
  if (standard !== undefined || node['enum'] !== undefined) delete node['examples']
  for (const key of OURS) delete node[key]
}
