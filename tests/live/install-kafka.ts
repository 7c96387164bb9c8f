import { homedir } from 'node:os'
import { join } from 'node:path'
import kafka from './services/kafka.ts'

/** Gets Kafka for the tests of this folder: `bun tests/live/install-kafka.ts`. */
await kafka.install(
  process.env['PGTURRET_TEST_SERVICES'] ?? join(homedir(), '.cache', 'pgturret-test-services'),
)
