import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cliReference } from './generate/cli-reference.ts'
import { configJsonSchema } from './generate/config-schema.ts'
import { exampleConfig } from './generate/example-config.ts'
import { exporterPages, PAGES } from './generate/exporter-pages.ts'
import { exporterRegistry } from './generate/exporter-registry.ts'
import { kernelModule } from './generate/kernel.ts'
import { recordSchema } from './generate/record-schema.ts'
import { shimSources } from './generate/shim-sources.ts'

/**
 * Writes the files that are made from the source, so that they cannot say anything else than it does.
 *
 *     bun scripts/generate.ts           writes those that differ
 *     bun scripts/generate.ts --check   writes nothing; exit code 1 when one differs
 */

/** A file that is made, and how. */
export interface GeneratedFile {
  /** From the repository's root. */
  readonly path: string
  contents(): string
}

/** Every generated file; what makes it stands in `scripts/generate/`. */
export const GENERATED: readonly GeneratedFile[] = [
  { path: 'src/exporters/registry.generated.ts', contents: exporterRegistry },
  {
    path: 'src/codec/crc32c-kernel.generated.ts',
    contents: () => kernelModule('kernel/crc32c.ts', 'CRC32C_KERNEL', 1),
  },
  { path: 'src/record/kernel.generated.ts', contents: () => kernelModule('kernel/run.ts', 'KERNEL', 16) },
  { path: 'src/shim/sources.generated.ts', contents: shimSources },
  { path: 'docs/reference/record.schema.json', contents: recordSchema },
  { path: 'docs/reference/pgturret.schema.json', contents: configJsonSchema },
  { path: 'docs/pgturret.toml', contents: exampleConfig },
  { path: 'docs/reference/cli.md', contents: cliReference },
  ...exporterPages(),
]

const root = join(import.meta.dir, '..')

/** Contents of a generated file as it is committed: laid out like every other file of its kind. */
export function render(file: GeneratedFile): string {
  if (!/\.(json|ts)$/.test(file.path)) return file.contents()
  const biome = Bun.spawnSync(
    [join(root, 'node_modules/.bin/biome'), 'format', `--stdin-file-path=${file.path}`],
    {
      cwd: root,
      stdin: Buffer.from(file.contents()),
    },
  )
  if (!biome.success) throw new Error(`biome cannot format ${file.path}: ${biome.stderr}`)
  return biome.stdout.toString()
}

/** What is committed; undefined when there is no such file. */
export function committed(file: GeneratedFile): string | undefined {
  try {
    return readFileSync(join(root, file.path), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Pages of exporters that are gone. */
function leftovers(): string[] {
  const made = new Set(GENERATED.map(({ path }) => path))
  const there = readdirSync(join(root, PAGES)).map((name) => `${PAGES}/${name}`)
  return there.filter((path) => !made.has(path))
}

function write(file: GeneratedFile, contents: string): void {
  mkdirSync(dirname(join(root, file.path)), { recursive: true })
  writeFileSync(join(root, file.path), contents)
  console.log(`wrote ${file.path}`)
}

function main(check: boolean): number {
  let stale = 0
  for (const file of GENERATED) {
    const contents = render(file)
    if (committed(file) === contents) continue
    stale++
    if (check) console.error(`stale: ${file.path}; run "make generate"`)
    else {
      write(file, contents)
      // Everything after it is made of the exporters that it lists, and this process has read the list as it was.
      if (file.path === REGISTRY) return Bun.spawnSync([process.execPath, import.meta.path], INHERIT).exitCode
    }
  }
  for (const path of leftovers()) {
    stale++
    if (check) console.error(`left over: ${path}; run "make generate"`)
    else rmSync(join(root, path))
  }
  return check && stale > 0 ? 1 : 0
}

const REGISTRY = 'src/exporters/registry.generated.ts'
const INHERIT = { stdio: ['ignore', 'inherit', 'inherit'] as ['ignore', 'inherit', 'inherit'] }

if (import.meta.main) process.exit(main(process.argv.includes('--check')))
