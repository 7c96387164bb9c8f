import { CsvFieldsEncoder } from './csv-fields.ts'
import { CsvlogEncoder } from './csvlog.ts'
import type { Encoder, Format } from './encoder.ts'
import { JsonFieldsEncoder } from './json-fields.ts'
import { JsonLinesEncoder } from './json-lines.ts'
import { JsonlogEncoder } from './jsonlog.ts'
import { DEFAULT_PREFIX } from './log-line-prefix.ts'
import { LogfmtEncoder } from './logfmt.ts'
import { PrettyEncoder } from './pretty.ts'
import { PrototextEncoder } from './prototext.ts'
import { keysNamed } from './record-keys.ts'
import type { Verbosity } from './server-log.ts'
import { StderrEncoder } from './stderr.ts'
import { TemplateEncoder } from './template.ts'
import type { Time } from './wall-clock.ts'

/** How a format is written, as far as it leaves that open. */
export interface Style {
  /** `pretty`. */
  readonly color?: boolean | undefined
  /** `pretty`; the server's clock unless told otherwise. */
  readonly time?: Time | undefined
  /** `template`, which cannot do without it. */
  readonly template?: string | undefined
  /** `json`, `logfmt`, `csvlog`: all, unless told otherwise. */
  readonly fields?: readonly string[] | undefined
  /** `stderr`. */
  readonly logLinePrefix?: string | undefined
  /** `stderr`, `jsonlog`, `csvlog`. */
  readonly logErrorVerbosity?: Verbosity | undefined
}

/** Which parts of a style a format heeds. */
export const STYLE_OF: Readonly<Record<Format, readonly (keyof Style)[]>> = {
  pretty: ['color', 'time'],
  json: ['fields'],
  jsonlog: ['logErrorVerbosity'],
  csvlog: ['logErrorVerbosity', 'fields'],
  logfmt: ['fields'],
  stderr: ['logErrorVerbosity', 'logLinePrefix'],
  prototext: [],
  template: ['template'],
}

/** Makes an encoder for one stream of records; the style has been found to be right. */
export function makeEncoder(format: Format, style: Style): Encoder {
  const { fields, logErrorVerbosity: verbosity = 'default' } = style
  const keys = fields && keysNamed(fields)
  switch (format) {
    case 'json':
      return keys === undefined ? new JsonLinesEncoder() : new JsonFieldsEncoder(keys)
    case 'jsonlog':
      return new JsonlogEncoder(verbosity)
    case 'csvlog':
      return keys === undefined ? new CsvlogEncoder(verbosity) : new CsvFieldsEncoder(keys)
    case 'logfmt':
      return new LogfmtEncoder(keys)
    case 'stderr':
      return new StderrEncoder(style.logLinePrefix ?? DEFAULT_PREFIX, verbosity)
    case 'prototext':
      return new PrototextEncoder()
    case 'template':
      return new TemplateEncoder(style.template!)
    case 'pretty':
      return new PrettyEncoder({ color: style.color ?? false, time: style.time ?? 'server' })
  }
}
