import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dir, '../..')
const COMPILER = join(ROOT, 'node_modules/assemblyscript/bin/asc.js')
/** The kernel allocates nothing: it needs no garbage collector, and nothing is imported. */
const FLAGS = ['-O3', '--runtime', 'stub', '--noAssert', '--initialMemory', '16', '--use', 'abort=']
const COLUMNS = 100

/** `kernel/`, compiled to WebAssembly, as a text that can be imported. */
export function kernelModule(): string {
  const lines = compiled().match(new RegExp(`.{1,${COLUMNS}}`, 'g'))!
  return `// Made by scripts/generate.ts from kernel/. Do not edit.

/** The kernel, compiled: WebAssembly in base64. */
export const KERNEL =
${lines.map((line) => `  '${line}'`).join(' +\n')}
`
}

/** @throws Error with the compiler's words when there is a mistake */
function compiled(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pgturret-kernel-'))
  try {
    const file = join(folder, 'kernel.wasm')
    const run = Bun.spawnSync([process.execPath, COMPILER, 'kernel/json.ts', ...FLAGS, '--outFile', file], {
      cwd: ROOT,
    })
    if (!run.success) throw new Error(`kernel/ does not compile: ${run.stderr}`)
    return readFileSync(file, 'base64')
  } finally {
    rmSync(folder, { recursive: true })
  }
}
