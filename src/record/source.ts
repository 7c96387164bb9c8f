import { severityRanks } from '../codec/severity.ts'
import type { Version } from '../codec/version.ts'

/** Where records come from: what the `V`, `I` and `R` frames in front of them said. Shared by all of its records. */
export interface Source {
  readonly version: Version
  /** Index into SEVERITIES by raw elevel, for this server's version. */
  readonly ranks: Uint8Array
  /** The server's name for itself; may be empty. */
  readonly identity: string
  /** Identity of the sender's ring, logfebe-2 only. */
  readonly bootId: bigint | undefined
}

/** Makes a source from the parsed frames. */
export function makeSource(version: Version, identity: string, bootId?: bigint): Source {
  return { version, identity, bootId, ranks: severityRanks(version.major) }
}
