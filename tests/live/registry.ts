import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CLIENTS } from './clients.ts'
import type { Installable, Service } from './service.ts'

const FOLDER = join(import.meta.dir, 'services')

/** Every service: what each file of `services/` exports as its default, in the order of their names. */
export async function allServices(): Promise<readonly Service[]> {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.ts'))
  const modules = files.sort().map((name) => import(join(FOLDER, name)) as Promise<{ default: Service }>)
  return (await Promise.all(modules)).map((one) => one.default)
}

/** One of them. */
export async function serviceCalled(name: string): Promise<Service> {
  return called(name, await allServices())
}

/** Services and clients: those of these names, or all. */
export async function allInstallables(names: readonly string[] = []): Promise<readonly Installable[]> {
  const all: readonly Installable[] = [...(await allServices()), ...CLIENTS]
  return names.length === 0 ? all : names.map((name) => called(name, all))
}

function called<T extends Installable>(name: string, all: readonly T[]): T {
  const found = all.find((one) => one.name === name)
  if (found !== undefined) return found
  throw new Error(`nothing is called "${name}"; there are ${all.map((one) => one.name).join(', ')}`)
}
