import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { pgConfig } from '../../tests/shim/probe.ts'

/** Builds what measures the hook, in a folder that the server can read; returns where the libraries are. */
export async function buildHookModules(folder: string): Promise<{ hook_bench: string; hook_timer: string }> {
  const build = join(folder, 'build')
  cpSync(join(import.meta.dir, 'hook'), build, { recursive: true })
  await Bun.$`make -s -C ${build} PG_CONFIG=${pgConfig}`.quiet()
  const install = async (name: string) => {
    const library = join(folder, `${name}.so`)
    await Bun.$`install -m 755 ${build}/${name}.so ${library}`
    return library
  }
  return { hook_bench: await install('hook_bench'), hook_timer: await install('hook_timer') }
}
