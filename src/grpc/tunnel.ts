import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Tls } from './channel.ts'

/** What a tunnel leads to, and through which proxy. */
export interface TunnelOptions {
  /** `http://proxy:3128`, maybe with a user and a password. */
  readonly proxy: string
  /** `http://host:port` or `https://host:port`: with TLS to the far end. */
  readonly origin: string
  readonly tls?: Tls | undefined
}

/** A proxy has answered, and makes no tunnel; or it is none that could. */
export class TunnelRefused extends Error {
  override readonly name = 'TunnelRefused'
  /** The HTTP status of its answer; undefined where it was not asked. */
  readonly status: number | undefined

  constructor(message: string, status?: number) {
    super(message)
    this.status = status
  }
}

/** Longest answer of a proxy: it is a status and a few headers. */
const MOST_ANSWER_BYTES = 64 * 1024
const END_OF_ANSWER = '\r\n\r\n'

/**
 * Has an HTTP proxy connect (CONNECT), and speaks TLS with the far end where its origin asks for that.
 *
 * @throws TunnelRefused, the system's or TLS's error, or the signal's reason
 */
export async function openTunnel(options: TunnelOptions, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  const proxy = new URL(options.proxy)
  if (proxy.protocol !== 'http:') throw new TunnelRefused('gRPC goes through proxies at http:// only')
  const origin = new URL(options.origin)
  const socket = connectTcp(Number(proxy.port || 80), bare(proxy))
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => {
    socket.destroy()
    reject(signal.reason)
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    const opened = open(socket, proxy, origin, options.tls)
    // When both fail one of them is not waited for.
    opened.catch(() => undefined)
    return await Promise.race([opened, aborted])
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

async function open(socket: Socket, proxy: URL, origin: URL, tls: Tls | undefined): Promise<Socket> {
  const isSecure = origin.protocol === 'https:'
  const target = `${origin.hostname}:${origin.port || (isSecure ? 443 : 80)}`
  const user = decodeURIComponent(proxy.username)
  const password = decodeURIComponent(proxy.password)
  const credentials = Buffer.from(`${user}:${password}`).toString('base64')
  const lines = [`CONNECT ${target} HTTP/1.1`, `Host: ${target}`]
  if (user !== '') lines.push(`Proxy-Authorization: Basic ${credentials}`)
  await eventOf(socket, 'connect')
  socket.write(`${lines.join('\r\n')}${END_OF_ANSWER}`)
  await established(socket)
  if (!isSecure) return socket
  const host = bare(origin)
  const servername = tls?.servername ?? (isIP(host) === 0 ? host : undefined)
  const sealed = connectTls({
    ...tls,
    socket,
    host,
    ...(servername && { servername }),
    ALPNProtocols: ['h2'],
  })
  await eventOf(sealed, 'secureConnect')
  return sealed
}

/** Without the brackets of IPv6. */
const bare = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '')

function eventOf(socket: Socket, event: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const lost = () => reject(connectionLost())
  socket.once(event, resolve).once('error', reject).once('close', lost)
  return promise.finally(() => socket.off(event, resolve).off('error', reject).off('close', lost))
}

/** Resolves when the proxy says that it has connected; what comes behind its answer is the far end's. */
function established(socket: Socket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let answer = Buffer.alloc(0)
  const take = (part: Buffer) => {
    answer = Buffer.concat([answer, part])
    const end = answer.indexOf(END_OF_ANSWER)
    if (end < 0) {
      if (answer.length > MOST_ANSWER_BYTES) reject(connectionLost())
      return
    }
    const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(answer.toString('latin1', 0, 16))?.[1] ?? 0)
    if (status < 200 || status > 299)
      return reject(new TunnelRefused(`the proxy answered ${status} instead of connecting`, status))
    socket.pause().off('data', take)
    const rest = answer.subarray(end + END_OF_ANSWER.length)
    if (rest.length > 0) socket.unshift(rest)
    resolve()
  }
  const lost = () => reject(connectionLost())
  socket.on('data', take).once('error', reject).once('close', lost)
  return promise.finally(() => socket.off('data', take).off('error', reject).off('close', lost))
}

const connectionLost = (): Error =>
  Object.assign(new Error('the proxy closed the connection'), { code: 'ECONNRESET' })
