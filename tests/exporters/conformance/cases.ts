import * as answers from './answers.ts'
import * as connections from './connections.ts'
import * as contents from './contents.ts'
import * as proxies from './proxies.ts'
import * as secrecy from './secrecy.ts'
import type { Subject } from './subject.ts'
import * as tls from './tls.ts'

/** Every case by its name, which is also how a skip names it. */
export const CASES = {
  delivers: contents.delivers,
  'keeps order': contents.keepsOrder,
  'a message of 1 MB': contents.largeMessage,
  'text in UTF-8, and text that was not': contents.text,
  'absent is not empty': contents.absentAndEmpty,
  'refused in part': answers.refusedInPart,
  'to be sent again in part': answers.retriedInPart,
  'refused for good': answers.refused,
  'too large is split': answers.tooLarge,
  'blocked holds': answers.blocked,
  'busy is waited for': answers.busy,
  'Retry-After is honoured': answers.retryAfter,
  'nobody listens': connections.nobodyListens,
  'killed and started again': connections.killed,
  'told to stop, it stops': connections.abort,
  'closes twice': connections.closesTwice,
  'check sends nothing': connections.check,
  'secrets are shown nowhere': secrecy.shownNowhere,
  'TLS with a private CA': tls.privateCa,
  'another CA is refused': tls.otherCa,
  'mutual TLS': tls.mutual,
  HTTP_PROXY: proxies.http,
  HTTPS_PROXY: proxies.https,
  NO_PROXY: proxies.none,
} satisfies Readonly<Record<string, (subject: Subject) => Promise<void>>>

/** A case, as skips name it. */
export type CaseName = keyof typeof CASES
