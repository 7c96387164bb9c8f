#!/usr/bin/env bun
/**
 * What the clients of destinations add to the executable: it is compiled with all of them, and without each.
 *
 *     bun bench/size/clients.ts
 *
 * A client is left out by an empty module in its place; what two of them share counts for neither alone.
 */

import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dir, '../..')

/** Packages by the destinations that load them. */
const CLIENTS: Readonly<Record<string, RegExp>> = {
  'mongodb (mongodb)': /^mongodb$/,
  'azure-logs (@azure/identity)': /^@azure\//,
  's3 (@aws-sdk/client-s3)': /^@aws-sdk\/client-s3$/,
  'cloudwatch, elasticsearch at Amazon (credentials, signatures)':
    /^@(?:aws-sdk\/credential-provider-node|smithy\/signature-v4)$/,
  'all of them at Amazon': /^@(?:aws-sdk|smithy)\//,
  'postgres (pg)': /^pg$/,
  'kafka (@platformatic/kafka)': /^@platformatic\/kafka$/,
}

/** Modules of these names are empty. */
const without = (names: RegExp): Bun.BunPlugin => ({
  name: 'left out',
  setup: (build) => {
    build.onResolve({ filter: names }, ({ path, importer }) =>
      importer.startsWith(join(ROOT, 'src')) ? { path, namespace: 'left-out' } : undefined,
    )
    build.onLoad({ filter: /./, namespace: 'left-out' }, () => ({
      contents: 'module.exports = {}',
      loader: 'js',
    }))
  },
})

/** As scripts/compile.ts has it: the Kafka client's codecs, in a module that holds their WebAssembly. */
const CODECS: Bun.BunPlugin = {
  name: 'codecs',
  setup: (build) => {
    build.onResolve({ filter: /^@platformatic\/wasm-utils$/ }, () => ({
      path: join(ROOT, 'node_modules/@platformatic/wasm-utils/dist/bundled.js'),
    }))
  },
}

/** Bytes of an executable, compiled as scripts/compile.ts does it but for the PostgreSQL modules. */
async function sizeOf(folder: string, plugins: readonly Bun.BunPlugin[]): Promise<number> {
  const outfile = join(folder, 'pgturret')
  const result = await Bun.build({
    entrypoints: [join(ROOT, 'src/cli/main.ts')],
    define: { PGTURRET_COMMIT: '"unknown"' },
    plugins: [...plugins, CODECS],
    minify: { syntax: true, whitespace: true, identifiers: false },
    bytecode: true,
    compile: { outfile, autoloadDotenv: false, autoloadBunfig: false },
  })
  if (!result.success) throw new AggregateError(result.logs, 'could not compile')
  return statSync(outfile).size
}

const folder = mkdtempSync(join(tmpdir(), 'pgturret-size-'))
try {
  const whole = await sizeOf(folder, [])
  console.log(`${whole.toLocaleString('en-US').padStart(12)}  everything`)
  for (const [name, names] of Object.entries(CLIENTS)) {
    const added = whole - (await sizeOf(folder, [without(names)]))
    console.log(`${added.toLocaleString('en-US').padStart(12)}  ${name}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
