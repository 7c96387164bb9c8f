import { BlockedError, RetryableError } from '../errors.ts'

/** What the codes of a request that got no answer mean, in words for an operator. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'could not connect',
  ENOTFOUND: 'could not find the host',
  ENOENT: 'there is no such socket',
  ECONNRESET: 'the connection was closed without an answer',
  ConnectionClosed: 'the connection was closed without an answer',
  EPROTO: 'the TLS handshake failed: the server may not speak TLS, or want a certificate of the client',
}

/** The server, or the proxy, is not who it should be, or may not be talked to: a person has to mend that. */
const MEND: Readonly<Record<string, string>> = {
  EACCES: 'the socket may not be used',
  EPERM: 'the socket may not be used',
  UnsupportedProxyProtocol: 'the proxy is of a kind that is not supported; expected http:// or https://',
  ERR_TLS_CERT_ALTNAME_INVALID: "the server's certificate is for another name",
  CERT_HAS_EXPIRED: "the server's certificate has expired",
  CERT_NOT_YET_VALID: "the server's certificate is not valid yet",
  CERT_REVOKED: "the server's certificate was revoked",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the server's certificate is not signed by a CA that is trusted",
  SELF_SIGNED_CERT_IN_CHAIN: "the server's certificate is not signed by a CA that is trusted",
  UNABLE_TO_GET_ISSUER_CERT: "the server's certificate is not signed by a CA that is trusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the server's certificate is not signed by a CA that is trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the server's certificate is not signed by a CA that is trusted",
}

/** A proxy that answers a CONNECT so wants credentials, or forbids it. */
const FORBIDDEN = /: (?:401|403|407)\b/

/**
 * Gives a request without an answer a message for an operator; errors of the language pass. Of the system's own error only
 * the code is kept: its message may hold the URL, and the URL a key.
 */
export function noAnswer(thrown: unknown, timeoutMs: number): unknown {
  if (!(thrown instanceof Error)) return thrown
  if (thrown.name === 'TimeoutError') return new RetryableError(`no answer within ${timeoutMs} ms`)
  const { code } = thrown as { code?: unknown }
  if (typeof code !== 'string') return thrown
  const cause = Object.assign(new Error(code), { code })
  if (code === 'ERR_PROXY_TUNNEL') {
    const said = `the proxy refuses to connect (${code})`
    return FORBIDDEN.test(thrown.message)
      ? new BlockedError(said, { cause })
      : new RetryableError(said, { cause })
  }
  const mend = MEND[code]
  if (mend !== undefined) return new BlockedError(`${mend} (${code})`, { cause })
  return new RetryableError(`${WORDS[code] ?? 'the request failed'} (${code})`, { cause })
}
