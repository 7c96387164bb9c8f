import type { Format } from './encoder.ts'
import type { Style } from './make-encoder.ts'

/** How each record begins that a format writes: so one is known that a killed process left unfinished in a file. */
export interface RecordStart {
  /** First characters; a `0` stands for any digit. */
  readonly mask: string
  /**
   * Where a record ends: with its line; with a line that none follows which a tab begins; with a line that does not end
   * between quotes.
   */
  readonly lines: 'one' | 'tabbed' | 'quoted'
}

const DAY = '0000-00-00 00:00:00'

/** Undefined where records begin in no way that could be told from others. */
export function recordStart(format: Format | 'febe', style: Style): RecordStart | undefined {
  const { fields, logLinePrefix } = style
  const first = fields === undefined || fields[0] === 'timestamp'
  switch (format) {
    case 'json':
    case 'jsonlog':
      return first ? { mask: '{"timestamp":"', lines: 'one' } : undefined
    case 'logfmt':
      return first ? { mask: `timestamp="${DAY}`, lines: 'one' } : undefined
    case 'csvlog':
      return first ? { mask: fields === undefined ? DAY : `"${DAY}`, lines: 'quoted' } : undefined
    case 'stderr':
      return /^%[mt]/.test(logLinePrefix ?? '%m') ? { mask: DAY, lines: 'tabbed' } : undefined
    case 'prototext':
      return { mask: 'LogTime="', lines: 'one' }
    default:
      return undefined
  }
}
