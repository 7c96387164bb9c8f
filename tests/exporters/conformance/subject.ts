import type { Exporter } from '../../../src/exporter.ts'
import type { CaseName } from './cases.ts'

/** One exporter, and how to get a destination for it. */
export interface Subject {
  /** The exporter's name in the registry. */
  readonly exporter: string
  /** Starts a destination that has nothing yet, for one case; the case stops it. */
  readonly start: (serving: Serving) => Promise<Harness>
  /** Cases that cannot be run against this destination, each with the reason: a sentence's worth, it is shown. */
  readonly skips?: Readonly<Partial<Record<CaseName, string>>>
  /** Whether it says which records of a request it has refused; true by default. Where it does not, they are only counted. */
  readonly namesRefused?: boolean
  /** Why no case can be run: a real server that cannot be had here. */
  readonly unavailable?: string | undefined
  /** In place of the definition's `create`, where that would use what belongs to the test run itself. */
  readonly create?: (harness: Harness) => Exporter
  /** For one case; 20 seconds by default. */
  readonly timeoutMs?: number
  /** Options that trust a private CA, or show a client's certificate; by default `tlsCa`, `tlsCert` and `tlsKey`. */
  readonly tlsOptions?: (paths: TlsPaths) => ExporterFlags
}

/** How a destination shall be served. */
export interface Serving {
  /** Plain when there is none. */
  readonly tls?: ServerTls | undefined
}

/** Certificates of a server for `localhost` and 127.0.0.1, as PEM. */
export interface ServerTls {
  readonly cert: string
  readonly key: string
  /** Clients must show a certificate of this CA. */
  readonly clientCa?: string | undefined
}

/** Files of PEM for a client. */
export interface TlsPaths {
  readonly ca: string
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/** Values of options as flags give them, by their keys in the exporter's schema: `{ batchRecords: '10', header: ['A: b'] }`. */
export type ExporterFlags = Readonly<Record<string, string | true | readonly string[]>>

/** A destination that a case can play with: a fake that keeps the vendor's rules, or a real server. */
export interface Harness {
  /**
   * Where it is and how to get in, as a user would say it; the same after `restart`.
   *
   * @param secret to be used as the credential wherever the exporter takes one; the destination accepts it
   */
  target(secret: string): Target
  /** The records that it has accepted so far, in the order in which it keeps them. */
  received(): readonly Received[] | Promise<readonly Received[]>
  /**
   * How it answers from now on; at first it accepts.
   *
   * @returns `false` when it cannot behave so: the cases that are about that manner have to be skipped
   */
  behave?(manner: Manner): unknown
  /** How many requests it has in hand without an answer, once told to hang. */
  hanging?(): number
  /** Ends it in the way of SIGKILL: connections break, nobody listens. */
  kill?(): Promise<void>
  /** Starts it again, at the same address, with what it had received; it accepts. */
  restart?(): Promise<void>
  /** Ends it, and removes what it has left. Called once, whatever happened before. */
  stop(): Promise<void>
}

/** What `--to` and flags hold. */
export interface Target {
  readonly to: string
  readonly options?: ExporterFlags
}

/** A record as the destination keeps it. */
export interface Received {
  /** ErrMessage. */
  readonly message: string
  /** ErrDetail; undefined: the destination knows of none. */
  readonly detail?: string | undefined
}

/** How a destination answers. */
export type Manner =
  /** As it should. */
  | { readonly does: 'accept' }
  /** Requests that hold a record with this text in its message are refused for good, all of each. */
  | { readonly does: 'refuse'; readonly marked: string }
  /** Records with this text in their message are refused for good; the others of the same request are accepted. */
  | { readonly does: 'refuse in part'; readonly marked: string }
  /** Records with this text in their message are to be sent again; the others of the same request are accepted. */
  | { readonly does: 'retry in part'; readonly marked: string }
  /** Requests of more records than that are refused for their size. */
  | { readonly does: 'limit'; readonly records: number }
  /** Says that the credentials are wrong, or that what it should write to is not there. */
  | { readonly does: 'block' }
  /** Says that it is busy, and when to come again where it is given. */
  | { readonly does: 'be busy'; readonly retryAfterSeconds?: number }
  /** Takes requests, and does not answer. */
  | { readonly does: 'hang' }
  /** Refuses for good whatever comes, and repeats the credentials and the URL that it was given: what some servers do. */
  | { readonly does: 'echo' }
