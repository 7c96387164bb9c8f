import { redactionOf } from '../config/privacy-options.ts'
import { redactedEncoding } from '../redact/redacting-encoder.ts'
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
  const { definition, options, format, common } = destination
  const plain = { name: format, encoder: () => plainEncoder(format, rendering) }
  // Around everything: a destination's own encoding sees no more of a record than the format.
  return redactedEncoding(definition.encoding?.(options, plain) ?? plain, redactionOf(common))
}

function plainEncoder(format: Format | 'febe', rendering: Rendering): Encoder {
  return format === 'febe' ? new FebeEncoder() : makeEncoder(format, rendering)
}
