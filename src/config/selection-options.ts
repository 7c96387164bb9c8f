import { z } from 'zod'
import { instant, level } from './values.ts'

/** Which records of a recording, a journal or a listener are wanted: what `tail` and `replay` take. */
export const selectionOptions = z.object({
  level: level().optional().meta({ description: 'leave out records below this severity' }),
  since: instant()
    .optional()
    .meta({ description: 'leave out records before this time, e.g. 10m (ago), yesterday' }),
  until: instant().optional().meta({ description: 'leave out records from this time on' }),
})

/** Which records are wanted, read. */
export type SelectionOptions = z.output<typeof selectionOptions>
