import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Side } from '../side.ts'

/**
 * Vector that follows the file of lines (file): memory buffers, the source told of what has been accepted. It tries for ever.
 *
 * @param parsed whether lines become records; else a record has its line in `message`
 */
export const vector = (
  name: string,
  parsed: boolean,
  sink: (to: string) => Readonly<Record<string, unknown>>,
): Side => ({
  name,
  follows: true,
  missing: Bun.which('vector') === null ? 'vector' : undefined,
  command: ({ folder, lines, to }) => {
    const data = join(folder, 'data')
    mkdirSync(data)
    const settings = {
      data_dir: data,
      sources: { lines: { type: 'file', include: [lines] } },
      transforms: parsed
        ? { records: { type: 'remap', inputs: ['lines'], source: '. = object!(parse_json!(.message))' } }
        : {},
      sinks: {
        out: { inputs: [parsed ? 'records' : 'lines'], acknowledgements: { enabled: true }, ...sink(to) },
      },
    }
    const config = join(folder, 'vector.json')
    writeFileSync(config, JSON.stringify(settings))
    return ['vector', '--quiet', '--config', config]
  },
})
