import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dir, '../..')
const COMPILER = join(ROOT, 'node_modules/assemblyscript/bin/asc.js')
/** Kernels allocate nothing: they need no garbage collector, and nothing is imported. */
const FLAGS = ['-O3', '--runtime', 'stub', '--noAssert', '--use', 'abort=']
const COLUMNS = 100

/**
 * A program of `kernel/`, compiled to WebAssembly, as a text that can be imported.
 *
 * @param pages memory to begin with, 64 kB each
 */
export function kernelModule(source: string, constant: string, pages: number): string {
  const lines = compiled(source, pages).match(new RegExp(`.{1,${COLUMNS}}`, 'g'))!
  return `// Made by scripts/generate.ts from ${source}. Do not edit.

/** The kernel, compiled: WebAssembly in base64. */
export const ${constant} =
${lines.map((line) => `  '${line}'`).join(' +\n')}
`
}

/** @throws Error with the compiler's words when there is a mistake */
function compiled(source: string, pages: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'pgturret-kernel-'))
  try {
    const file = join(folder, 'kernel.wasm')
    const words = [...FLAGS, '--initialMemory', String(pages), '--outFile', file]
    const run = Bun.spawnSync([process.execPath, COMPILER, source, ...words], { cwd: ROOT })
    if (!run.success) throw new Error(`${source} does not compile: ${run.stderr}`)
    return readFileSync(file, 'base64')
  } finally {
    rmSync(folder, { recursive: true })
  }
}
