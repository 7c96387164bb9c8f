import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { YAML } from 'bun'
import { allServices } from './registry.ts'

/** docker-compose.yml has what the tests run on, where CONTRIBUTING.md says. No container is started. */

const ROOT = join(import.meta.dir, '../..')
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8')

interface Container {
  readonly image: string
  readonly ports: readonly string[]
  readonly configs?: readonly { readonly source: string }[]
}

const composition = YAML.parse(read('docker-compose.yml')) as {
  readonly services: Readonly<Record<string, Container>>
  readonly configs: Readonly<Record<string, unknown>>
}
const containers = Object.entries(composition.services)
/** DuckDB is a library: a few lines around it make it a server for the tests. */
const LIBRARIES = ['duckdb']
const services = (await allServices()).filter(({ name }) => !LIBRARIES.includes(name))

const tagOf = (image: string): string => /:([^:/]+)$/.exec(image)?.[1] ?? 'latest'
const released = (version: string): string => version.replace(/^v/, '')

/** `127.0.0.1:8475-8479:8475-8479` as `['127.0.0.1', 8475, 8479]`. */
function published(port: string): [address: string, first: number, last: number] {
  const [address, outside] = port.split(':')
  const [first, last = first] = outside!.split('-').map(Number)
  return [address!, first!, last!]
}

/** What the table of CONTRIBUTING.md says of each service: `127.0.0.1:4317` or `127.0.0.1:8475-8479`. */
function documented(): Record<string, string[]> {
  const rows = [...read('CONTRIBUTING.md').matchAll(/^\| `(\w+)` .*\|([^|]*)\|$/gm)]
  const servers = rows.filter(([, name]) => !LIBRARIES.includes(name!))
  return Object.fromEntries(
    servers.map(([, name, cell]) => [name!, cell!.match(/127\.0\.0\.1:[\d-]+/g) ?? []]),
  )
}

test('has the services that the tests have', () => {
  expect(containers.map(([name]) => name)).toEqual(services.map(({ name }) => name))
})

test.each(containers)('%s is a release that is named', (_, { image }) => {
  expect(tagOf(image)).toMatch(/^v?\d/)
})

// The others are whatever the machine has, and Google's emulator.
const pinned = services.flatMap(({ name, version }) => (version === undefined ? [] : [{ name, version }]))

test.each(pinned)('$name is the release that the tests install: $version', ({ name, version }) => {
  // A packager's version may have a number more than that of the program.
  expect(`${released(version)}.`).toStartWith(`${released(tagOf(composition.services[name]!.image))}.`)
})

test('has the files that it mounts', () => {
  const mounted = containers.flatMap(([, { configs = [] }]) => configs.map(({ source }) => source))
  expect(mounted).toEqual(Object.keys(composition.configs))
})

test('opens what the documentation says, to this machine alone', () => {
  const opened = containers.map(([name, { ports }]) => [
    name,
    ports.map((port) => port.split(':').slice(0, 2).join(':')),
  ])
  expect(Object.fromEntries(opened)).toEqual(documented())
})

test('opens no port twice', () => {
  const all = containers.flatMap(([, { ports }]) => ports.map(published))
  const numbers = all.flatMap(([, first, last]) =>
    Array.from({ length: last - first + 1 }, (_, more) => first + more),
  )
  expect(numbers).toHaveLength(new Set(numbers).size)
  expect(numbers.length).toBeGreaterThan(services.length)
})
