import { chmodSync, chownSync, lstatSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ConfigError } from '../errors.ts'
import { prepareSocketPath } from '../ingest/socket-path.ts'
import type { Log } from '../log.ts'
import type { Snapshot } from './snapshot.ts'
import { snapshotJson } from './snapshot-json.ts'

/**
 * The control socket: HTTP on a unix socket beside the one for records, so that whoever may send records may also look.
 * It shows and changes nothing.
 */

/** What the control socket shows, and where. */
export interface ControlOptions {
  /** `controlPath` of the socket for records. */
  readonly path: string
  /** Permission bits of the socket. */
  readonly mode: number
  /** Group of the socket; its own where there is none. */
  readonly groupId?: number | undefined
  /** Called once per request. */
  readonly snapshot: () => Snapshot
  /** Answers `GET /tail`, where there is anything to follow. */
  readonly tail?: ((query: URLSearchParams) => Promise<Response>) | undefined
  readonly log: Log
}

/** A control socket that is served. */
export interface ControlServer {
  /** Ends every connection and removes the socket, if it is still our own. */
  stop(): Promise<void>
}

/** The least that can be set: no request here has a body. */
const MOST_BODY_BYTES = 1

/**
 * Who follows may be silent, or stand still, for as long as he likes. Set for his request alone it would not hold as soon as
 * something waits to be sent. Bun's types do not know it for unix sockets.
 */
const NO_TIMEOUT: object = { idleTimeout: 0 }

/** Path of the control socket that belongs to a socket for records. */
export function controlPath(socket: string): string {
  return `${socket}.control`
}

/**
 * Serves `GET /status`, a snapshot as JSON, and `GET /tail`, records as they come.
 *
 * @throws ConfigError when the path cannot be used, or another listener answers on it
 */
export async function serveControl(options: ControlOptions): Promise<ControlServer> {
  const { path, mode, groupId } = options
  await prepareSocketPath(path)
  // It gets its name when it is ready, as the socket for records does: nobody meets it half open.
  const hidden = join(dirname(path), `.${process.pid.toString(36)}c`)
  let server: Bun.Server<undefined> | undefined
  try {
    rmSync(hidden, { force: true })
    server = listen(hidden, options)
    chmodSync(hidden, mode)
    if (groupId !== undefined) chownSync(hidden, -1, groupId)
    const inode = lstatSync(hidden).ino
    renameSync(hidden, path)
    return { stop: () => stop(server!, path, inode) }
  } catch (error) {
    server?.stop(true)
    rmSync(hidden, { force: true })
    const why = (error as Error).message.replaceAll(hidden, path)
    throw new ConfigError([`--socket: could not listen on "${path}": ${why}`])
  }
}

function listen(path: string, options: ControlOptions): Bun.Server<undefined> {
  const { mode, log } = options
  // Never more open than it is going to be, not even for a moment.
  const umask = process.umask(0o777 & ~mode)
  try {
    return Bun.serve({
      unix: path,
      maxRequestBodySize: MOST_BODY_BYTES,
      development: false,
      ...NO_TIMEOUT,
      fetch: (request) => answer(request, options),
      error: (error) => {
        log.limited('control failed', `could not answer a request on the control socket: ${error.message}`)
        return new Response('internal error\n', { status: 500 })
      },
    })
  } finally {
    process.umask(umask)
  }
}

function answer(request: Request, { snapshot, tail }: ControlOptions): Response | Promise<Response> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return new Response('only GET and HEAD\n', { status: 405, headers: { allow: 'GET, HEAD' } })
  }
  const { pathname, searchParams } = new URL(request.url)
  if (pathname === '/tail' && tail !== undefined && request.method === 'GET') {
    return tail(searchParams)
  }
  if (pathname !== '/status') return new Response('there is /status and /tail\n', { status: 404 })
  return new Response(`${snapshotJson(snapshot())}\n`, { headers: { 'content-type': 'application/json' } })
}

async function stop(server: Bun.Server<undefined>, path: string, inode: number): Promise<void> {
  // Somebody may have replaced it: only our own is removed.
  if (lstatSync(path, { throwIfNoEntry: false })?.ino === inode) rmSync(path, { force: true })
  await server.stop(true)
}
