import { createHash, timingSafeEqual } from 'node:crypto'

/** Who may look on. */
export interface Admission {
  /** Whose bearer may; undefined where anybody may. */
  readonly token: string | undefined
  /** Pages of these origins may beside our own: `https://logs.example`. */
  readonly origins: readonly string[]
  /** What is listened on, without the brackets of IPv6. */
  readonly hostname: string
}

/** Whether only this machine can reach an address. */
export const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '::1' || /^127(?:\.\d{1,3}){3}$/.test(hostname)

/**
 * Looks at a handshake.
 *
 * @returns the answer when it is turned away
 */
export function refusal(request: Request, admission: Admission): Response | undefined {
  if (!bearsToken(request, admission.token))
    return answer(401, 'give the token: "Authorization: Bearer …", or ?token=… in a browser', {
      'www-authenticate': 'Bearer',
    })
  const origin = request.headers.get('origin')
  if (origin !== null && !isAdmitted(origin, request, admission))
    return answer(403, 'pages of this origin may not look on: allow it by --websocket-server-origin')
  return undefined
}

/** A plain text. */
export const answer = (
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Response =>
  new Response(`${text}\n`, {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', ...headers },
  })

function bearsToken(request: Request, token: string | undefined): boolean {
  if (token === undefined) return true
  const bearer = /^Bearer +(.+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
  const given = bearer ?? new URL(request.url).searchParams.get('token') ?? ''
  // Digests have one length, and take the same time to compare wherever they differ.
  return timingSafeEqual(digest(given), digest(token))
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Browsers say whose page connects. Without a token, a page is ours only by a name that nobody else can have: any name
 * can be made to point to this machine.
 */
function isAdmitted(origin: string, request: Request, { token, origins, hostname }: Admission): boolean {
  if (origins.includes(origin)) return true
  if (!URL.canParse(origin)) return false
  const { host, hostname: name } = new URL(origin)
  if (host !== request.headers.get('host')) return false
  const bare = name.replace(/^\[|\]$/g, '')
  return token !== undefined || bare === hostname || isLoopback(bare)
}
