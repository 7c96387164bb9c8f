/** A module that was compiled when this executable was. */
export interface Prebuilt {
  /** Major version of the server that can load it. */
  readonly major: number
  /** Operating system, processor and C library, e.g. `linux-x64-glibc`. */
  readonly system: string
  /** Where its bytes are, inside the executable. */
  readonly path: string
}

/** None when run from source; scripts/compile.ts puts a list of what it embeds in the place of this file. */
export const PREBUILT: readonly Prebuilt[] = []
