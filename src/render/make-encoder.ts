import type { Encoder, Format } from './encoder.ts'
import { JsonLinesEncoder } from './json-lines.ts'
import { PrettyEncoder } from './pretty.ts'
import { PrototextEncoder } from './prototext.ts'

/** Makes an encoder for one stream of records. `color` matters to formats for eyes only. */
export function makeEncoder(format: Format, options: { color: boolean }): Encoder {
  switch (format) {
    case 'json':
      return new JsonLinesEncoder()
    case 'prototext':
      return new PrototextEncoder()
    case 'pretty':
      return new PrettyEncoder(options)
  }
}
