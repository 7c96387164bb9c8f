import { version } from '../package.json'

// Put in by scripts/compile.ts; absent when run from source.
declare const PGTURRET_COMMIT: string | undefined

/** Version of this pgturret, by package.json. */
export const VERSION: string = version

/** Commit that it was compiled from; `source` when it runs uncompiled. */
export const COMMIT: string = typeof PGTURRET_COMMIT === 'string' ? PGTURRET_COMMIT : 'source'

/** What `--version` prints. */
export function versionLine(): string {
  return `pgturret ${VERSION} (commit ${COMMIT}, bun ${Bun.version}, ${process.platform}-${process.arch})`
}
