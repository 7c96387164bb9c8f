import { z } from 'zod'
import { defineExporter, type Exporter } from '../exporter.ts'
import { writeFully } from '../file-write.ts'

const STDOUT = 1

const options = z.object({})

/** Standard output: for pipes and terminals. When nobody reads any more (`| head`), that ends quietly. */
export default defineExporter({
  name: 'stdout',
  summary: 'Writes records to standard output.',
  schemes: ['stdout'],
  options,
  label: () => 'stdout',
  format: 'chosen',
  batch: () => ({ maxRecords: 100_000, maxBytes: 1024 * 1024 }),
  create: (): Exporter => ({
    send: async (batch, signal) => {
      await writeFully(STDOUT, batch.bytes, signal)
    },
  }),
})
