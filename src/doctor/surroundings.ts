import type { Disk } from '../journal/disk.ts'
import type { StatusAnswer } from '../observe/read-status.ts'
import type { Accounts } from './accounts.ts'
import type { Finding } from './finding.ts'

/** How a program ended that was run; `code` is undefined when it did not end in time, and was killed. */
export interface Ran {
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** What the configuration comes to. */
export interface Configuration {
  /** Its file; undefined when there is none. */
  readonly path: string | undefined
  /** Everything that is wrong with it, a sentence each. */
  readonly problems: readonly string[]
  /** Files that hold a secret. */
  readonly secretFiles: readonly string[]
  /** Whether the file itself holds one. */
  readonly holdsSecret: boolean
}

/** A destination of the configuration. */
export interface DestinationToReach {
  readonly name: string
  readonly label: string
  /** Tries to reach it; never rejects, and ends in time. */
  reach(): Promise<Finding>
}

/** What a listener may use, in bytes and counts. */
export interface Limits {
  readonly journalBytes: number
  readonly freeBytes: number
  readonly connections: number
}

/** Everything that a check may look at. Nothing of it changes anything. */
export interface Surroundings {
  /** Whose process this is; undefined where the system knows no such thing. */
  readonly uid: number | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  now(): number
  readonly accounts: Accounts
  /** Path of the socket for records. */
  readonly socket: string
  /** Folder of the journal; undefined for one in memory. */
  readonly journal: string | undefined
  readonly limits: Limits
  readonly disk: Disk
  /** What the listener says of itself. */
  readonly status: StatusAnswer
  readonly configuration: Configuration
  readonly destinations: readonly DestinationToReach[]
  /** pg_config of the server to look at, where one was named. */
  readonly pgConfig: string | undefined
  /** Folder of the kernel's: `/proc`. */
  readonly proc: string
  /** Folder that is there where systemd is. */
  readonly systemd: string
  /** Runs a program; undefined when there is none of that name. Never rejects, and ends in time. */
  run(command: readonly string[]): Promise<Ran | undefined>
}

/** Looks at one thing; may reject, which is said as well. */
export type Check = (surroundings: Surroundings) => Promise<readonly Finding[]>
