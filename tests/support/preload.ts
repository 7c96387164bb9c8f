/** Runs before every test file: no test may see, or change, what belongs to the person who runs it. */

import { afterAll } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeRemoval, removeWorkspace } from '../../scripts/postgres/workspace.ts'
import { cacheFolder } from '../live/cache.ts'

// They pick the PostgreSQL and the other servers to test against, and hold no secret.
const KEPT = new Set([
  'PG_CONFIG',
  'PGTURRET_TEST_INSTALLATION',
  'PGTURRET_TEST_LIVE',
  'PGTURRET_TEST_SERVICES',
])
// Servers for tests are kept in the person's own cache, from run to run: found before that is hidden.
process.env['PGTURRET_TEST_SERVICES'] = cacheFolder()
const FOREIGN =
  /^(AWS|AZURE|DD|DATADOG|ELASTIC|GOOGLE|KAFKA|MONGODB|OTEL|PG|PGTURRET|SENTRY|SPLUNK|AXIOM)[A-Z0-9_]*$/
const SECRET = /_(TOKEN|SECRET|PASSWORD|API_KEY|CREDENTIALS)$/
// Tests talk to loopback only; a proxy from the environment would carry that away. Colour is each test's own choice.
const OTHERS = /^(https?_proxy|all_proxy|no_color|force_color|notify_socket|journal_stream)$/i

for (const name of Object.keys(process.env)) {
  if (KEPT.has(name)) continue
  if (FOREIGN.test(name) || SECRET.test(name) || OTHERS.test(name)) delete process.env[name]
}

// Under /tmp, whatever TMPDIR says: the path of a unix socket has room for 107 bytes.
const home = mkdtempSync('/tmp/pgturret-test-')
for (const kind of ['CONFIG', 'DATA', 'STATE', 'CACHE', 'RUNTIME']) {
  const suffix = kind === 'RUNTIME' ? 'DIR' : 'HOME'
  const folder = join(home, kind.toLowerCase())
  mkdirSync(folder, { mode: 0o700 })
  process.env[`XDG_${kind}_${suffix}`] = folder
}

beforeRemoval(() => rmSync(home, { recursive: true, force: true }))
afterAll(removeWorkspace)
