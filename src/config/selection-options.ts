import { z } from 'zod'
import { expression, moment, regex, sqlstate } from './filter-values.ts'
import { duration, integer, level, text } from './values.ts'

/** Which records of a recording, a journal or a listener are wanted: what `tail` and `replay` take. */
export const selectionOptions = z.object({
  level: level().optional().meta({ description: 'leave out records below this severity' }),
  noLogLevel: z.boolean().prefault(false).meta({
    description: 'leave out LOG, which stands between NOTICE and WARNING and is most of the volume',
  }),
  db: z.array(text('NAME')).optional().meta({ description: 'only records of this database' }),
  user: z.array(text('NAME')).optional().meta({ description: 'only records of this user' }),
  app: z.array(text('NAME')).optional().meta({ description: 'only records of this application_name' }),
  sqlstate: z.array(sqlstate()).optional().meta({
    description: 'only records with this code (23505), class (23*) or condition (unique_violation)',
  }),
  pid: z
    .array(integer(0, 2 ** 31 - 1).meta({ value: 'PID' }))
    .optional()
    .meta({ description: 'only records of this server process' }),
  session: z.array(text('ID')).optional().meta({ description: 'only records of this session (session_id)' }),
  slow: duration().optional().meta({
    description: 'only durations of at least this, as log_min_duration_statement logs them',
  }),
  grep: regex().optional().meta({
    description:
      'only records with this in message, detail, hint, context or statement; RE2, (?i) ignores case',
  }),
  filter: expression().optional().meta({
    description:
      'only records for which this is true, such as \'level >= ERROR && dbname == "shop"\'; see "filter check"',
  }),
  since: moment().optional().meta({
    description: 'only records from then on: 10m (ago), today, yesterday, 08:30, 2026-11-21T02:00Z',
  }),
  until: moment().optional().meta({ description: 'only records from before then' }),
})

/** Which records are wanted, read. */
export type SelectionOptions = z.output<typeof selectionOptions>

/** What is wrong with options that are right one by one. */
export function selectionProblems({ since, until }: SelectionOptions): string[] {
  if (since === undefined || until === undefined || since < until) return []
  const [from, to] = [since, until].map((micros) => new Date(micros / 1000).toISOString())
  return [`--until: ${to} is not after --since, ${from}: there can be no record between them`]
}
