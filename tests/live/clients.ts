import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { must, whole } from './program.ts'
import type { Installable } from './service.ts'

/** A client that a vendor publishes for its own API, for tests that ask whether our fake of that API accepts it. */
export interface VendorClient extends Installable {
  /** The package, as programs import it. */
  readonly package: string
  /** Where it is, or will be, in the cache. */
  folder(cache: string): string
}

/**
 * Those that are no development dependencies: each would have everybody install several megabytes for one test (Datadog's is 141).
 * Versions are pinned; npm verifies the registry's checksums, and runs no program of theirs.
 */
export const CLIENTS: readonly VendorClient[] = [
  client('datadog-client', '@datadog/datadog-api-client', '1.64.0'),
  client('elasticsearch-client', '@elastic/elasticsearch', '9.5.1'),
  client('opensearch-client', '@opensearch-project/opensearch', '3.9.0'),
  client('pubsub-client', '@google-cloud/pubsub', '5.3.1'),
  client('splunk-client', 'splunk-logging', '0.11.1'),
]

const WORDS = [
  'npm',
  'install',
  '--no-save',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
]

function client(name: string, packageName: string, version: string): VendorClient {
  const folder = (cache: string) => join(cache, `${name}-${version}`)
  return {
    name,
    package: packageName,
    quick: true,
    folder,
    ready: (cache) => existsSync(folder(cache)),
    install: async (cache) => {
      if (existsSync(folder(cache))) return
      await whole(folder(cache), (unfinished) =>
        must([...WORDS, '--prefix', unfinished, `${packageName}@${version}`], { cwd: unfinished }),
      )
    },
  }
}
