import type { ExporterDefinition } from '../../exporter.ts'
import { type ExporterReference, type OptionReference, referenceOf } from './reference.ts'

/** Columns of running text. */
const WIDTH = 100

/** What `pgturret exporters describe NAME` prints. */
export function description(definition: ExporterDefinition): string {
  const reference = referenceOf(definition)
  const { name, summary, options, shared, toml } = reference
  const parts = [
    `${name}: ${summary}`,
    facts(reference),
    ...(options.length === 0 ? [] : [['Options:', ...options.map(own)].join('\n')]),
    [`Options of [exporters.NAME] alone, or PGTURRET_EXPORTERS_NAME_KEY:`, ...shared.map(inTable)].join('\n'),
    ['In pgturret.toml:', '', ...toml.split('\n').map((line) => `  ${line}`)].join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}

function facts({ example, schemes, format, batch }: ExporterReference): string {
  const rows = [
    ['--to', `${example}   (${schemes.join(', ')})`],
    ['format', format],
    ...(batch === undefined ? [] : [['batches', batch]]),
  ]
  return rows.map(([what, text]) => `  ${what!.padEnd(8)} ${text}`).join('\n')
}

function own(option: OptionReference): string {
  const { flag, value, env, fileKey } = option
  const written = value === undefined ? flag : `${flag} <${value}>`
  return `  ${written}\n      ${env}; ${fileKey} in the file\n${prose(option)}`
}

const inTable = (option: OptionReference): string =>
  `  ${option.fileKey}${option.value === undefined ? '' : ` = ${option.value}`}\n${prose(option)}`

/** What an option is for, below it. */
function prose(option: OptionReference): string {
  const notes = [
    ...(option.required ? ['required'] : []),
    ...(option.repeatable ? ['repeatable'] : []),
    ...(option.default === undefined ? [] : [`default: ${option.default}`]),
  ]
  const text = notes.length === 0 ? option.description : `${option.description} (${notes.join(', ')})`
  const lines: string[] = []
  let line = '     '
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = '     '
    }
    line += ` ${word}`
  }
  return [...lines, line].join('\n')
}
