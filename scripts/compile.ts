import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { keepShim, shimsFor } from './shims/folder.ts'
import { SHIM, shimFiles } from './versions/cache.ts'

/**
 * Compiles the one executable.
 *
 *     bun scripts/compile.ts                 dist/pgturret, for this machine
 *     bun scripts/compile.ts linux-arm64     dist/pgturret-linux-arm64
 *     bun scripts/compile.ts --all           every target
 *
 * The PostgreSQL modules in dist/shims/ that fit a target are embedded in it: the one that was built here, those of `make
 * shims`, and whatever else was put there (`MAJOR-SYSTEM/pgturret.so`, e.g. `17-linux-arm64-glibc`).
 *
 * The Bun that another machine's executable is made of comes from the npm registry, by the npm client as it is set up
 * here, in the version that package.json pins.
 */

const ROOT = dirname(import.meta.dir)
const DIST = join(ROOT, 'dist')
const CACHE = join(ROOT, 'node_modules', '.cache', 'bun-runtimes')

interface Target {
  readonly bun: Bun.Build.CompileTarget
  /** npm package that holds this target's Bun. */
  readonly runtime: string
}

const TARGETS: Readonly<Record<string, Target>> = {
  'linux-x64': { bun: 'bun-linux-x64', runtime: '@oven/bun-linux-x64' },
  'linux-x64-musl': { bun: 'bun-linux-x64-musl', runtime: '@oven/bun-linux-x64-musl' },
  'linux-arm64': { bun: 'bun-linux-arm64', runtime: '@oven/bun-linux-aarch64' },
  'linux-arm64-musl': { bun: 'bun-linux-arm64-musl', runtime: '@oven/bun-linux-aarch64-musl' },
  'darwin-x64': { bun: 'bun-darwin-x64', runtime: '@oven/bun-darwin-x64' },
  'darwin-arm64': { bun: 'bun-darwin-arm64', runtime: '@oven/bun-darwin-aarch64' },
}

/** Commit of the tree, with a mark when it has changes; `unknown` outside of a checkout. */
function commit(): string {
  const git = (...words: string[]) => Bun.spawnSync(['git', '-C', ROOT, ...words])
  const head = git('rev-parse', '--short=12', 'HEAD')
  if (head.exitCode !== 0) return 'unknown'
  const changed = git('status', '--porcelain', '--untracked-files=no').stdout.length > 0
  return `${head.stdout.toString().trim()}${changed ? '-dirty' : ''}`
}

/** Path of a target's Bun: fetched with `npm pack` when it is not there yet. */
function runtimeFor(target: Target): string {
  const folder = join(CACHE, `${target.runtime.replace('/', '+')}-${Bun.version}`)
  const runtime = join(folder, 'package', 'bin', 'bun')
  if (existsSync(runtime)) return runtime
  mkdirSync(folder, { recursive: true })
  run(['npm', 'pack', '--silent', '--pack-destination', folder, `${target.runtime}@${Bun.version}`])
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'))!
  run(['tar', '-xzf', join(folder, archive), '-C', folder])
  rmSync(join(folder, archive))
  return runtime
}

function run(command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command)
  if (exitCode !== 0) throw new Error(`${command[0]} failed: ${stderr.toString().trim()}`)
}

/** Operating system, processor and C library of an executable, as its modules are named. */
function systemOf(name: string | undefined): string {
  const system = name ?? `${process.platform}-${process.arch}`
  return system.startsWith('linux') && !system.endsWith('-musl') ? `${system}-glibc` : system
}

/** Adds the module that `make shim` has built here, so that an executable for this machine carries it. */
function collectShim(): void {
  const built = join(SHIM, 'pgturret.so')
  if (!existsSync(built)) return
  const age = statSync(built).mtimeMs
  const sources = shimFiles().filter((name) => /\.[ch]$/.test(name))
  if (sources.some((name) => statSync(join(SHIM, name)).mtimeMs > age)) {
    console.error('not embedded: shim/pgturret.so is older than its sources; make shim renews it')
    return
  }
  const pgConfig = Bun.spawnSync(['sh', join(ROOT, 'scripts/prerequisites.sh'), '--pg-config'])
  if (pgConfig.exitCode !== 0) return
  const { stdout } = Bun.spawnSync([pgConfig.stdout.toString().trim(), '--version'])
  keepShim(built, Number(/\d+/.exec(stdout.toString())?.[0]), systemOf(undefined))
}

/** Puts the modules that fit the executable in the place of the empty list that the source has. */
function embedShims(system: string): Bun.BunPlugin {
  return {
    name: 'prebuilt modules',
    setup: (build) => {
      build.onLoad({ filter: /[/\\]shim[/\\]prebuilt-list\.ts$/ }, () => {
        const fitting = shimsFor(system)
        const imports = fitting.map(
          ({ path }, i) => `import path${i} from ${JSON.stringify(path)} with { type: 'file' }`,
        )
        const entries = fitting.map(
          ({ major }, i) => `{ major: ${major}, system: '${system}', path: path${i} }`,
        )
        return {
          contents: `${imports.join('\n')}\nexport const PREBUILT = [${entries.join(', ')}]\n`,
          loader: 'ts',
        }
      })
    },
  }
}

async function compile(name: string, targetName: string | undefined): Promise<void> {
  const target = targetName === undefined ? undefined : TARGETS[targetName]!
  const began = performance.now()
  const outfile = join(DIST, name)
  // Compiled beside and moved over, so that a running executable is never written into.
  const fresh = `${outfile}.new`
  const compileFor = target === undefined ? {} : { target: target.bun, executablePath: runtimeFor(target) }
  const result = await Bun.build({
    entrypoints: [join(ROOT, 'src/cli/main.ts')],
    define: { PGTURRET_COMMIT: JSON.stringify(commit()) },
    plugins: [embedShims(systemOf(targetName)), embedCodecs],
    minify: { syntax: true, whitespace: true, identifiers: false },
    // Starts in 10 ms in place of 80. It is for the processor that it was made on.
    bytecode: target === undefined,
    // What lies in the folder where it is started is none of its business: no .env, no bunfig.
    compile: { outfile: fresh, autoloadDotenv: false, autoloadBunfig: false, ...compileFor },
  })
  if (!result.success) throw new AggregateError(result.logs, `could not compile ${name}`)
  renameSync(fresh, outfile)
  const megabytes = (statSync(outfile).size / 1024 ** 2).toFixed(0)
  console.log(`dist/${name}  ${megabytes} MB  ${((performance.now() - began) / 1000).toFixed(1)} s`)
}

/** The Kafka client's codecs read their WebAssembly from a file, which an executable has none of; there is a twin that holds it. */
const embedCodecs: Bun.BunPlugin = {
  name: 'codecs',
  setup: (build) => {
    build.onResolve({ filter: /^@platformatic\/wasm-utils$/ }, () => ({
      path: join(ROOT, 'node_modules/@platformatic/wasm-utils/dist/bundled.js'),
    }))
  },
}

async function main(words: readonly string[]): Promise<void> {
  mkdirSync(DIST, { recursive: true })
  collectShim()
  if (words.length === 0) return compile('pgturret', undefined)
  const names = words.includes('--all') ? Object.keys(TARGETS) : words
  const unknown = names.filter((name) => TARGETS[name] === undefined)
  if (unknown.length > 0) {
    console.error(
      `compile: no target ${unknown.join(', ')}; expected --all or of ${Object.keys(TARGETS).join(', ')}`,
    )
    process.exit(2)
  }
  for (const name of names) await compile(`pgturret-${name}`, name)
}

await main(process.argv.slice(2))
