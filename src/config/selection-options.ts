import { z } from 'zod'
import { level } from './values.ts'

/** Which records of a recording, a journal or a listener are wanted: what `tail` and `replay` take. */
export const selectionOptions = z.object({
  level: level().optional().meta({ description: 'leave out records below this severity' }),
})

/** Which records are wanted, read. */
export type SelectionOptions = z.output<typeof selectionOptions>
