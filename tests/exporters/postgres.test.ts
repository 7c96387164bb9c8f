import { conformance } from './conformance.ts'
import { PostgresHarness } from './postgres-harness.ts'

const allOrNothing = 'a transaction is stored as a whole or not at all'
const noProxy = 'PostgreSQL goes through no HTTP proxy'

conformance({
  exporter: 'postgres',
  start: (serving) => PostgresHarness.start(serving),
  skips: {
    'refused in part': allOrNothing,
    'to be sent again in part': allOrNothing,
    'Retry-After is honoured': 'PostgreSQL does not say when to come again',
    HTTP_PROXY: noProxy,
    HTTPS_PROXY: noProxy,
    NO_PROXY: noProxy,
  },
  timeoutMs: 60_000,
})
