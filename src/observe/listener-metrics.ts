import type { Family } from './exposition.ts'
import { counter, flag, gauge } from './families.ts'
import { reasonSamples } from './reasons.ts'
import type { ListenerSnapshot } from './snapshot.ts'

/** What came in. */
export function listenerFamilies(listener: ListenerSnapshot): Family[] {
  return [
    gauge('pgturret_connections_open', 'Connections of senders that are open.', listener.open),
    counter('pgturret_connections', 'Connections of senders since the start.', listener.connections),
    {
      name: 'pgturret_connections_refused',
      type: 'counter',
      help: 'Connections that were ended for what they sent.',
      samples: reasonSamples(listener.refused),
    },
    counter(
      'pgturret_records_received',
      'Records received from senders, each counted once.',
      listener.records,
    ),
    counter(
      'pgturret_records_repeated',
      'Records that came a second time, over a new connection, and were left out.',
      listener.repeated,
    ),
    counter(
      'pgturret_records_skipped',
      'Malformed records that came again after they had ended a connection, and were passed over.',
      listener.skipped,
    ),
    counter('pgturret_records_unwanted', 'Records left out by --level.', listener.unwanted),
    {
      name: 'pgturret_records_dropped',
      type: 'counter',
      help: 'Records of senders that cannot wait, dropped as there was no room.',
      samples: reasonSamples(listener.droppedHere),
    },
    counter(
      'pgturret_records_dropped_by_sender',
      'Records that senders said they could not keep.',
      listener.droppedBySender,
    ),
    flag('pgturret_senders_waiting', 'Whether senders are made to wait.', listener.waiting),
  ]
}
