import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Side } from '../side.ts'

/** Settings, by their names. */
export type Settings = Readonly<Record<string, string | number | boolean>>

/**
 * Fluent Bit that follows the file of lines (tail, with its database): from memory, tried for ever, sent five times a second.
 *
 * @param parsed whether lines become records; else a record has its line in `log`
 */
export const fluentBit = (name: string, parsed: boolean, output: (to: string) => Settings): Side => ({
  name,
  follows: true,
  missing: Bun.which('fluent-bit') === null ? 'fluent-bit' : undefined,
  command: ({ folder, lines, to }) => {
    const tail = {
      name: 'tail',
      path: lines,
      db: join(folder, 'tail.db'),
      read_from_head: true,
      buffer_chunk_size: '1M',
      buffer_max_size: '4M',
      mem_buf_limit: '256M',
      ...(parsed && { parser: 'json' }),
    }
    const settings = {
      service: { flush: 0.2, grace: 1, log_level: 'error' },
      parsers: [{ name: 'json', format: 'json' }],
      pipeline: { inputs: [tail], outputs: [{ match: '*', retry_limit: 'no_limits', ...output(to) }] },
    }
    // JSON is YAML, too.
    const config = join(folder, 'fluent-bit.yaml')
    writeFileSync(config, JSON.stringify(settings))
    return ['fluent-bit', '-c', config]
  },
})
