import type { Encoder, Encoding, Format } from '../render/encoder.ts'
import { FebeEncoder } from '../render/febe.ts'
import { makeEncoder } from '../render/make-encoder.ts'
import type { Destination } from './destinations.ts'

/** How records look, wherever the destination leaves that open. */
export interface Rendering {
  readonly color: boolean
}

/** How a destination's records are written. Destinations whose encodings have the same name share the bytes. */
export function encodingOf(destination: Destination, rendering: Rendering): Encoding {
  const { definition, options, format } = destination
  const plain = { name: format, encoder: () => plainEncoder(format, rendering) }
  return definition.encoding?.(options, plain) ?? plain
}

function plainEncoder(format: Format | 'febe', rendering: Rendering): Encoder {
  return format === 'febe' ? new FebeEncoder() : makeEncoder(format, rendering)
}
