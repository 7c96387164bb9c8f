import type { Snapshot } from './snapshot.ts'
import { parseSnapshot } from './snapshot-json.ts'

/** What a listener said, or a sentence on why it said nothing. */
export type StatusAnswer =
  | { readonly snapshot: Snapshot; readonly problem?: undefined }
  | { readonly snapshot?: undefined; readonly problem: string }

/** A listener answers in milliseconds, or its event loop is stuck. */
const TIMEOUT_MS = 5000
/** A snapshot has some hundred bytes per exporter. */
const MOST_BYTES = 4 * 1024 ** 2

/** Asks the listener behind a control socket how it is. Never throws. */
export async function readStatus(path: string): Promise<StatusAnswer> {
  try {
    const response = await fetch('http://pgturret/status', {
      unix: path,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (Number(response.headers.get('content-length') ?? MOST_BYTES) < MOST_BYTES && response.ok) {
      const snapshot = parseSnapshot(await response.text())
      if (snapshot !== undefined) return { snapshot }
    }
    await response.body?.cancel()
    return { problem: `what answers at "${path}" is no pgturret listener of this version` }
  } catch (error) {
    return { problem: noAnswer(error as NodeJS.ErrnoException, path) }
  }
}

/** A sentence on why nothing answered on a control socket. */
export function noAnswer({ code, name, message }: NodeJS.ErrnoException, path: string): string {
  if (code === 'EACCES' || code === 'EPERM') {
    return `not allowed to ask the listener at "${path}"; ask as its user, or as a member of its --socket-group`
  }
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return `no listener answers at "${path}"; is "pgturret listen" running? give its --socket`
  }
  if (code === 'ENAMETOOLONG') return `"${path}" is too long for a socket; give the --socket of the listener`
  if (name === 'TimeoutError') return `the listener at "${path}" did not answer within ${TIMEOUT_MS / 1000} s`
  return `could not ask the listener at "${path}": ${message}`
}
