/** What a `V` frame says: the server's version and the protocol that it speaks. */
export interface Version {
  /** The server's version text, e.g. `15.20 (Debian 15.20-0+deb12u1)`. */
  readonly server: string
  /** Major version as PostgreSQL counts it: 9 for the 9.x line, then 10, 11, … */
  readonly major: number
  readonly protocol: 1 | 2
}

/**
 * Reads the text of a `V` frame, e.g. `PG-9.2.4/logfebe-1` or `PG-18devel/logfebe-2`.
 *
 * The protocol stands after the last slash, since a version text may hold slashes, spaces and parentheses of its own.
 *
 * @returns undefined when the text is not of that form or names a protocol that is not known.
 */
export function parseVersion(text: string): Version | undefined {
  const slash = text.lastIndexOf('/')
  if (slash < 0 || !text.startsWith('PG-')) return undefined
  const server = text.slice(3, slash)
  const major = /^\d{1,4}(?!\d)/.exec(server)
  const protocol = text.slice(slash + 1)
  if (major === null) return undefined
  if (protocol === 'logfebe-1') return { server, major: Number(major[0]), protocol: 1 }
  if (protocol === 'logfebe-2') return { server, major: Number(major[0]), protocol: 2 }
  return undefined
}

/** Writes the text of a `V` frame. */
export function formatVersion(version: Pick<Version, 'server' | 'protocol'>): string {
  return `PG-${version.server}/logfebe-${version.protocol}`
}
