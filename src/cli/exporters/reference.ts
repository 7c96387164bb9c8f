import { sharedOptionsOf } from '../../config/exporter-options.ts'
import { fileSpecs } from '../../config/file-table.ts'
import { type OptionSpec, optionSpecs } from '../../config/options.ts'
import { exampleLine } from '../../config/toml-lines.ts'
import { type ExporterDefinition, optionsOfUrl } from '../../exporter.ts'
import { countText, sizeText } from '../../observe/amounts.ts'
import { FORMATS } from '../../render/encoder.ts'

/** What there is to say about one kind of destination, made of its declarations: `exporters describe` and the reference show it. */
export interface ExporterReference {
  readonly name: string
  readonly summary: string
  /** `https://logs.example/in`. */
  readonly example: string
  /** `http:`, `https:`. */
  readonly schemes: readonly string[]
  /** Which formats it takes, as a sentence's end. */
  readonly format: string
  /** Most of one batch, as it is by default; undefined where that depends on what has no default. */
  readonly batch: string | undefined
  readonly options: readonly OptionReference[]
  /** Options that every exporter has. */
  readonly shared: readonly OptionReference[]
  /** Its table in a configuration file; what need not be said is commented out. */
  readonly toml: string
}

/** An option, and whether it has to be given. */
export interface OptionReference extends OptionSpec {
  readonly required: boolean
}

/** Describes a kind of destination. */
export function referenceOf(definition: ExporterDefinition): ExporterReference {
  const { name, summary, example, schemes, format } = definition
  const options = optionSpecs(definition.options, name).map((spec) => ({
    ...spec,
    required: !definition.options.shape[spec.key]!.safeParse(undefined).success,
  }))
  return {
    name,
    summary,
    example,
    schemes: schemes.map((scheme) => `${scheme}:`),
    format: format === 'chosen' ? `${FORMATS.join(', ')}: as --format says` : format,
    batch: batchText(definition, options),
    options,
    shared: optionSpecs(sharedOptionsOf(definition)).map((spec) => ({ ...spec, required: false })),
    toml: tableOf(definition, options),
  }
}

function batchText(definition: ExporterDefinition, options: readonly OptionReference[]): string | undefined {
  const required = options
    .filter((option) => option.required)
    .map(({ key, meta, repeatable }) => {
      const text = meta.secret ? 'secret' : (meta.example ?? 'text')
      return [key, repeatable ? [text] : text] as const
    })
  const given = { ...optionsOfUrl(definition, definition.example), ...Object.fromEntries(required) }
  const read = definition.options.safeParse(given)
  if (!read.success) return undefined
  const { maxRecords, maxBytes } = definition.batch(read.data)
  return `at most ${countText(maxRecords)} records and ${sizeText(maxBytes)}`
}

function tableOf(definition: ExporterDefinition, options: readonly OptionReference[]): string {
  const { name, example } = definition
  const required = new Set(options.filter((option) => option.required).map(({ key }) => key))
  const lines = fileSpecs(definition.options).map(
    (spec) => `${required.has(spec.key) ? '' : '# '}${exampleLine(spec)}`,
  )
  return [`[exporters.my-${name}]`, `url = ${JSON.stringify(example)}`, ...lines].join('\n')
}
