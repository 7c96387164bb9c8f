import { describe, test } from 'bun:test'
import { CASES, type CaseName } from './conformance/cases.ts'
import type { Subject } from './conformance/subject.ts'

export type { CaseName } from './conformance/cases.ts'
export type {
  ExporterFlags,
  Harness,
  Manner,
  Received,
  ServerTls,
  Serving,
  Subject,
  Target,
  TlsPaths,
} from './conformance/subject.ts'

/** Cases about servers and connections; what they come to on this machine is for each local destination's own tests. */
const REMOTE: readonly CaseName[] = [
  'refused in part',
  'to be sent again in part',
  'refused for good',
  'too large is split',
  'blocked holds',
  'busy is waited for',
  'Retry-After is honoured',
  'nobody listens',
  'killed and started again',
  'TLS with a private CA',
  'another CA is refused',
  'mutual TLS',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
]

/** Skips for a destination that is no server: there is nobody to answer, and no network. */
export const noServer = (): Partial<Record<CaseName, string>> =>
  Object.fromEntries(REMOTE.map((name) => [name, 'there is no server that could']))

/** How long one case may take unless the subject says otherwise. */
const CASE_MS = 20_000

/**
 * What every destination must do, run against one: called once, at the top of the test file of each exporter.
 *
 *     conformance({ exporter: 'http', start: (serving) => HttpServer.start(serving), skips: { partial: 'an answer is for all' } })
 *
 * Each case starts a destination of its own, and drives it as `listen` does: records are encoded the way the exporter asks
 * for, and go through a `Delivery`. `tests/architecture.test.ts` fails for an exporter whose test file does not call it.
 */
export function conformance(subject: Subject): void {
  const { exporter, skips = {}, unavailable, timeoutMs = CASE_MS } = subject
  describe(`${exporter} conforms`, () => {
    for (const [name, run] of Object.entries(CASES)) {
      const reason = unavailable ?? skips[name as CaseName]
      if (reason === undefined) test(name, () => run(subject), timeoutMs)
      else test.skip(`${name} (${reason})`, () => undefined)
    }
  })
}
