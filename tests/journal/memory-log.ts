import type { Log, LogFields } from '../../src/log.ts'

/** A line of pgturret's own log. */
export interface Line {
  readonly level: 'info' | 'warn' | 'error' | 'limited'
  readonly message: string
  readonly fields: LogFields | undefined
}

/** A log that is kept, to be looked at. */
export class MemoryLog implements Log {
  readonly lines: Line[] = []

  info(message: string, fields?: LogFields): void {
    this.lines.push({ level: 'info', message, fields })
  }

  warn(message: string, fields?: LogFields): void {
    this.lines.push({ level: 'warn', message, fields })
  }

  error(message: string, fields?: LogFields): void {
    this.lines.push({ level: 'error', message, fields })
  }

  limited(_: string, message: string, fields?: LogFields): void {
    this.lines.push({ level: 'limited', message, fields })
  }

  /** All messages. */
  get messages(): string[] {
    return this.lines.map(({ message }) => message)
  }
}
