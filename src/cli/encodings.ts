import { redactionOf } from '../config/privacy-options.ts'
import { redactedEncoding } from '../redact/redacting-encoder.ts'
import type { Encoding } from '../render/encoder.ts'
import { FebeEncoder } from '../render/febe.ts'
import { makeEncoder, STYLE_OF } from '../render/make-encoder.ts'
import type { CommandContext } from './context.ts'
import type { Destination } from './destinations.ts'

/** Where colours are wanted. */
export interface Colors {
  /** On standard output. */
  readonly color: boolean
  /** In files as well. */
  readonly everywhere: boolean
}

/** How a destination's records are written. Destinations whose encodings have the same name share the bytes. */
export function encodingOf(destination: Destination, colors: Colors): Encoding {
  const { definition, options, common } = destination
  const plain = plainEncoding(destination, colors)
  // Around everything: a destination's own encoding sees no more of a record than the format.
  return redactedEncoding(definition.encoding?.(options, plain) ?? plain, redactionOf(common))
}

function plainEncoding({ type, format, style }: Destination, colors: Colors): Encoding {
  if (format === 'febe') return { name: format, encoder: () => new FebeEncoder() }
  const color = colors.color && (colors.everywhere || type === 'stdout')
  const whole = STYLE_OF[format].includes('color') ? { ...style, color } : style
  const name = Object.keys(whole).length === 0 ? format : `${format} ${JSON.stringify(whole)}`
  return { name, encoder: () => makeEncoder(format, whole) }
}

/** What `--color` asks for. */
export const colorsOf = (choice: 'auto' | 'always' | 'never', context: CommandContext): Colors => ({
  color: wantsColor(choice, context),
  everywhere: choice === 'always',
})

/**
 * Whether to colour what goes to standard output: by itself on a terminal that can show them. NO_COLOR keeps them off,
 * FORCE_COLOR puts them into a pipe too.
 */
export function wantsColor(choice: 'auto' | 'always' | 'never', context: CommandContext): boolean {
  if (choice !== 'auto') return choice === 'always'
  const { NO_COLOR: none = '', FORCE_COLOR: forced = '', TERM: terminal } = context.env
  if (none !== '') return false
  if (forced !== '') return forced !== '0' && forced !== 'false'
  return context.stdoutIsTerminal && terminal !== 'dumb'
}
