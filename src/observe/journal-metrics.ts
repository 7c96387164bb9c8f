import type { Family } from './exposition.ts'
import { counter, flag, gauge, stateSamples } from './families.ts'
import { JOURNAL_STATES, type JournalSnapshot } from './snapshot.ts'

/** What is kept. */
export function journalFamilies(journal: JournalSnapshot): Family[] {
  const oldest = journal.oldestMs === undefined ? undefined : journal.oldestMs / 1000
  return [
    gauge('pgturret_journal_bytes', 'Size of the journal.', journal.bytes),
    gauge('pgturret_journal_segments', 'Segments of the journal.', journal.segments),
    gauge('pgturret_journal_oldest_timestamp_seconds', 'When the oldest entry that is kept came in.', oldest),
    counter('pgturret_journal_entries', 'Entries written since the journal began.', journal.end),
    counter('pgturret_journal_entries_synced', 'Entries synced since the journal began.', journal.durable),
    counter('pgturret_journal_entries_removed', 'Entries removed since the journal began.', journal.start),
    counter('pgturret_journal_syncs', 'Syncs of the journal to disk.', journal.syncs),
    counter(
      'pgturret_journal_damaged_bytes',
      'Bytes found damaged while reading, and left out.',
      journal.damagedBytes,
    ),
    counter(
      'pgturret_journal_cut_bytes',
      'Bytes of unfinished writes, cut off at the start.',
      journal.cutBytes,
    ),
    flag('pgturret_journal_ok', 'Whether the journal accepts records.', journal.state === 'ok'),
    {
      name: 'pgturret_journal_state',
      type: 'gauge',
      help: 'State of the journal: 1 for the present one.',
      samples: stateSamples(JOURNAL_STATES, journal.state),
    },
  ]
}
