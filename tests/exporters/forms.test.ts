import { afterAll, describe, expect, test } from 'bun:test'
import { Command } from 'commander'
import { stringify } from 'smol-toml'
import { addExporterOptions } from '../../src/cli/command-options.ts'
import { sourcesOf } from '../../src/cli/destination-sources.ts'
import { readConfigFile } from '../../src/config/config-file.ts'
import { fileSpecs } from '../../src/config/file-table.ts'
import { type Given, type OptionSpec, readOptions } from '../../src/config/options.ts'
import { Secret } from '../../src/config/secret.ts'
import type { ExporterDefinition } from '../../src/exporter.ts'
import { EXPORTERS } from '../../src/exporters/registry.generated.ts'
import { configFolder } from '../config/folder.ts'
import { makeCertificates } from '../support/certificates.ts'

/** What a destination is told as flags, by the environment, or in the file is the same; its URL may stand in each of them. */

const folder = configFolder()

/** A value that is not the default, where the kind of an option tells none; by flag. */
const SAMPLES: Readonly<Record<string, string>> = {}

/** By what stands for the value in help. */
const KINDS: Readonly<Record<string, string>> = {
  SIZE: '37kB',
  TIME: '1234ms',
  SECRET: 'hunter2',
  MODE: '0604',
  HEADER: 'X-Scope: logs',
}

/** Options of every destination with TLS of its own: their files are read at once. */
const certificates = makeCertificates()
afterAll(certificates.remove)
const PEM: Readonly<Record<string, string>> = {
  tlsCa: certificates.paths.ca,
  tlsCert: certificates.paths.clientCert,
  tlsKey: certificates.paths.clientKey,
}

function sample({ key, flag, value, meta, default: fallback }: OptionSpec): string | boolean {
  if (PEM[key] !== undefined) return PEM[key]
  if (value === undefined) return fallback !== 'true'
  const words = meta.json?.['enum'] as readonly string[] | undefined
  if (SAMPLES[flag] !== undefined) return SAMPLES[flag]
  if (words !== undefined) return words.findLast((word) => word !== fallback)!
  if (meta.types?.[0] === 'integer') return String(Number(meta.json?.['minimum'] ?? 1) + 1)
  return KINDS[value] ?? meta.example ?? 'some-text'
}

interface Form {
  readonly given: Given
  /** What `--to` would hold. */
  readonly to: string
  readonly toml?: string
}

/** An option without a value has no flag that says no. */
const sayable = (specs: readonly OptionSpec[]) => specs.filter((spec) => sample(spec) !== false)

const forms: Readonly<Record<string, (exporter: ExporterDefinition, specs: readonly OptionSpec[]) => Form>> =
  {
    flags: ({ example }, specs) => {
      const words = specs.flatMap((spec) =>
        spec.value === undefined ? [spec.flag] : [`${spec.flag}=${sample(spec)}`],
      )
      const command = new Command('x').exitOverride()
      addExporterOptions(command)
      command.parse(words, { from: 'user' })
      return { given: { flags: command.opts(), env: {} }, to: example }
    },
    environment: ({ example }, specs) => ({
      given: { flags: {}, env: Object.fromEntries(specs.map((spec) => [spec.env, String(sample(spec))])) },
      to: example,
    }),
    file: ({ example }, specs) => {
      const values = specs.map((spec) => [spec.fileKey, spec.repeatable ? [sample(spec)] : sample(spec)])
      const toml = stringify({ exporters: { mine: { url: example, ...Object.fromEntries(values) } } })
      return { given: { flags: {}, env: {} }, to: 'mine', toml }
    },
    'environment of one exporter of the file': ({ example }, specs) => {
      const values = specs.map((spec) => [
        `PGTURRET_EXPORTERS_MINE_${spec.fileKey.toUpperCase()}`,
        String(sample(spec)),
      ])
      const toml = stringify({ exporters: { mine: { url: example } } })
      return { given: { flags: {}, env: Object.fromEntries(values) }, to: 'mine', toml }
    },
  }

/** Secrets are told apart, too. */
const open = (value: unknown): unknown => {
  if (value instanceof Secret) return { secret: value.reveal() }
  if (Array.isArray(value)) return value.map(open)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, open(one)]))
}

function optionsOf(exporter: ExporterDefinition, form: Form, what: string): unknown {
  const problems: string[] = []
  const path = form.toml && folder.write(`${exporter.name}-${what.length}.toml`, form.toml)
  const file = path === undefined ? undefined : readConfigFile(path, EXPORTERS, problems)
  const found = sourcesOf({ to: form.to, format: 'json' }, form.given, file, problems)!
  const fromUrl = exporter.fromUrlText?.(found.to) ?? exporter.fromUrl?.(new URL(found.to), found.to) ?? {}
  const read = readOptions(exporter.options, found.own, problems, exporter.name, fromUrl)
  expect(problems).toEqual([])
  return open(read)
}

describe.each(EXPORTERS.map((exporter) => [exporter.name, exporter] as const))('%s', (name, exporter) => {
  const specs = sayable(
    fileSpecs(exporter.options).map((spec) => {
      const flag = `--${name}-${spec.flag.slice(2)}`
      return { ...spec, flag, env: `PGTURRET_${flag.slice(2).replaceAll('-', '_').toUpperCase()}` }
    }),
  )

  test.each(Object.keys(forms).slice(1))('%s: the same as by flags', (what) => {
    const wanted = optionsOf(exporter, forms['flags']!(exporter, specs), 'flags')
    expect(optionsOf(exporter, forms[what]!(exporter, specs), what)).toEqual(wanted)
  })

  test('what was given has taken the place of every default', () => {
    const given = optionsOf(exporter, forms['flags']!(exporter, specs), 'flags') as Record<string, unknown>
    const bare = optionsOf(
      exporter,
      forms['flags']!(exporter, specs.filter(isRequired(exporter))),
      'bare',
    ) as Record<string, unknown>
    const same = specs.filter(
      (spec) => !isRequired(exporter)(spec) && Bun.deepEquals(given[spec.key], bare[spec.key]),
    )
    expect(same.map(({ flag }) => flag)).toEqual([])
  })

  test('its example is found by its scheme', () => {
    const { definition } = sourcesOf(
      { to: exporter.example, format: 'json' },
      { flags: {}, env: {} },
      undefined,
      [],
    )!
    expect(definition).toBe(exporter)
  })
})

const isRequired = (exporter: ExporterDefinition) => (spec: OptionSpec) =>
  !exporter.options.shape[spec.key]!.safeParse(undefined).success
