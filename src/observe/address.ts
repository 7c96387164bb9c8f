/** Where to listen for HTTP. */
export interface Address {
  /** Name or number, without the brackets that IPv6 has in a text. */
  readonly hostname: string
  /** 0 is any that is free. */
  readonly port: number
}

/** Who does not ask for more is reached from this machine only. */
const DEFAULT_HOSTNAME = '127.0.0.1'
const MOST_PORT = 65_535

/** An address from `9188`, `:9188`, `127.0.0.1:9188`, `localhost:9188` or `[::1]:9188`; undefined for what is none. */
export function parseAddress(text: string): Address | undefined {
  const found = /^(?:(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))?:)?(\d{1,5})$/i.exec(text)
  if (found === null) return undefined
  const port = Number(found[3])
  if (port > MOST_PORT) return undefined
  return { hostname: found[1] ?? found[2] ?? DEFAULT_HOSTNAME, port }
}

/** The address as it stands in a URL. */
export function addressText({ hostname, port }: Address): string {
  return `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`
}
