import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Service } from './service.ts'

const FOLDER = join(import.meta.dir, 'services')

/** Every service: what each file of `services/` exports as its default, in the order of their names. */
export async function allServices(): Promise<readonly Service[]> {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.ts'))
  const modules = files.sort().map((name) => import(join(FOLDER, name)) as Promise<{ default: Service }>)
  return (await Promise.all(modules)).map((one) => one.default)
}

/** One of them. */
export async function serviceCalled(name: string): Promise<Service> {
  const services = await allServices()
  const found = services.find((one) => one.name === name)
  if (found !== undefined) return found
  throw new Error(`no service is called "${name}"; there are ${services.map((one) => one.name).join(', ')}`)
}
