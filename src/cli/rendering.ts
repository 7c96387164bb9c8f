import type { ExporterOptions } from '../config/exporter-options.ts'
import { takesFields } from '../config/exporter-options.ts'
import { type Given, resolveOptions } from '../config/options.ts'
import { type RenderingOptions, renderingOptions } from '../config/rendering-options.ts'
import type { Format } from '../render/encoder.ts'
import { STYLE_OF, type Style } from '../render/make-encoder.ts'
import type { Asked, DestinationSources } from './destination-sources.ts'

/** How the records of one destination look. */
export interface Look {
  readonly format: Format | 'febe'
  /** What the format heeds of what was said, and nothing else. */
  readonly style: Style
}

type Said = RenderingOptions & { readonly format?: Format | 'febe' | undefined }

/**
 * Finds how a destination's records look: what its own table says goes before what was asked for all; a template is a format.
 *
 * @param given what was asked for all comes from there
 * @param problems gets a sentence where fields were chosen that cannot be chosen
 */
export function lookOf(
  asked: Asked,
  sources: DestinationSources,
  own: ExporterOptions,
  given: Given,
  problems: string[],
): Look {
  const { definition } = sources
  const all: Said = { ...asked.rendering, format: asked.format }
  const chosen = formatOf(own) ?? formatOf(all) ?? 'json'
  const format = definition.format === 'chosen' ? chosen : definition.format
  const problem = fieldsProblem(sources, format, all, own)
  if (problem !== undefined) {
    const [where, prefix] = own.fields === undefined ? [given, ''] : [sources.shared, sources.sharedPrefix]
    const [option] = resolveOptions(renderingOptions.pick({ fields: true }), where, prefix)
    problems.push(`${option!.name}: ${problem}`)
  }
  if (own.template !== undefined && own.format !== undefined)
    problems.push(`${sources.where}: ${TWO_FORMATS}`)
  return { format, style: format === 'febe' ? {} : styleFor(format, all, own) }
}

const TWO_FORMATS = 'a template is a format of its own: leave out the format, or the template'

/** Refuses a template together with a format on one command line. */
export function refuseTwoFormats({ flags }: Given, problems: string[]): void {
  if (flags['template'] !== undefined && flags['format'] !== undefined)
    problems.push(`--template: ${TWO_FORMATS}`)
}

const formatOf = ({ template, format }: Said): Said['format'] =>
  template === undefined ? format : 'template'

/** Somebody who chooses fields may do so to keep the others back: where they cannot be chosen, nothing is sent. */
function fieldsProblem(
  { definition }: DestinationSources,
  format: Look['format'],
  all: Said,
  own: Said,
): string | undefined {
  // A format of the destination's own leaves out of account what was said for the others.
  const wanted = own.fields ?? (formatOf(own) === undefined ? all.fields : undefined)
  if (wanted === undefined) return undefined
  if (!takesFields(definition)) return `${definition.name} is always sent the whole record`
  if (format !== 'febe' && STYLE_OF[format].includes('fields')) return undefined
  const able = Object.keys(STYLE_OF).filter((one) => STYLE_OF[one as Format].includes('fields'))
  return `the format ${format} has its own; they can be chosen for ${able.join(', ')}`
}

function styleFor(format: Format, all: Said, own: Said): Style {
  const keys = Object.keys(renderingOptions.shape) as (keyof RenderingOptions)[]
  const heeded = keys.filter((key) => STYLE_OF[format].includes(key))
  const pairs = heeded.map((key) => [key, own[key] ?? all[key]] as const)
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined))
}
