import { describe, expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** Who may import whom: TypeScript has no word for it, so this test has. */

const SRC = join(import.meta.dir, '../src')
const TESTS = import.meta.dir

const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .sort()

const textOf = (path: string): string => readFileSync(join(SRC, path), 'utf8')

/** Paths of ours that a file imports, from `src/`; what comes from elsewhere (packages, package.json) is left out. */
function importsOf(path: string): string[] {
  const specifiers = [...textOf(path).matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((found) => found[1]!)
  const resolved = specifiers.map((specifier) => relative(SRC, join(SRC, dirname(path), specifier)))
  return resolved.filter((one) => !one.startsWith('..'))
}

/** The folder of a file, or its own name where it stands at the top. */
const roomOf = (path: string): string => (path.includes('/') ? path.slice(0, path.indexOf('/')) : path)

/** What each folder may import beside itself. `cli` may import everything. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  codec: ['errors.ts'],
  record: ['codec', 'fnv1a.ts'],
  filter: ['record', 'codec', 'fnv1a.ts', 'nearest.ts'],
  render: ['record', 'codec'],
  redact: ['render', 'record', 'codec'],
  deadletter: ['journal', 'ingest', 'record', 'render', 'codec', 'errors.ts', 'log.ts', 'clock.ts'],
  config: ['codec', 'render', 'filter', 'redact', 'http', 'nearest.ts'],
  http: ['errors.ts', 'exporter.ts'],
  aws: ['http', 'errors.ts'],
  azure: ['http', 'errors.ts'],
  files: ['errors.ts', 'clock.ts', 'file-write.ts'],
  ingest: ['record', 'codec', 'errors.ts', 'fnv1a.ts', 'log.ts', 'clock.ts'],
  observe: ['ingest', 'render', 'errors.ts', 'log.ts', 'libc.ts'],
  journal: ['record', 'codec', 'render', 'ingest', 'page-cache', 'errors.ts', 'log.ts', 'clock.ts'],
  'page-cache': ['libc.ts'],
  pipeline: [
    'journal',
    'ingest',
    'record',
    'codec',
    'render',
    'errors.ts',
    'log.ts',
    'clock.ts',
    'exporter.ts',
  ],
  exporters: [
    'aws',
    'azure',
    'config',
    'codec',
    'record',
    'render',
    'http',
    'files',
    'grpc',
    'kafka',
    'postgres',
    'websocket',
    'objects',
    'mongodb',
    'page-cache',
    'errors.ts',
    'clock.ts',
    'exporter.ts',
    'file-write.ts',
    'unfinished-record.ts',
    'send-parts.ts',
    'version.ts',
  ],
  grpc: [],
  live: ['journal', 'codec', 'errors.ts'],
  kafka: ['config', 'render', 'codec', 'errors.ts', 'clock.ts', 'exporter.ts'],
  postgres: ['errors.ts'],
  websocket: ['http', 'codec', 'errors.ts', 'exporter.ts', 'log.ts'],
  objects: ['http', 'render', 'codec', 'errors.ts', 'exporter.ts'],
  mongodb: ['errors.ts', 'http', 'render'],
  shim: ['errors.ts'],
  summary: ['record', 'codec', 'render', 'observe'],
  doctor: ['journal', 'observe', 'shim', 'render', 'version.ts'],
  'exporter.ts': ['render', 'record', 'errors.ts', 'log.ts'],
  'errors.ts': [],
  'log.ts': ['clock.ts'],
  'clock.ts': [],
  'file-write.ts': ['clock.ts'],
  'unfinished-record.ts': ['render'],
  'send-parts.ts': ['errors.ts'],
  'fnv1a.ts': [],
  'libc.ts': [],
  'nearest.ts': [],
  'version.ts': [],
}

describe('imports', () => {
  for (const path of sources.filter((one) => roomOf(one) !== 'cli')) {
    test(path, () => {
      const room = roomOf(path)
      const allowed = MAY[room]
      expect(allowed, `${room} has no entry in the table of this test`).toBeDefined()
      const strangers = importsOf(path).filter(
        (one) => roomOf(one) !== room && !allowed!.includes(roomOf(one)),
      )
      expect(strangers).toEqual([])
    })
  }

  test('exporters do not import each other', () => {
    for (const path of sources.filter((one) => one.startsWith('exporters/') && !one.includes('generated'))) {
      expect(importsOf(path).filter((one) => one.startsWith('exporters/'))).toEqual([])
    }
  })

  test('the table names nothing that is gone', () => {
    const rooms = new Set(sources.map(roomOf))
    expect(Object.keys(MAY).filter((room) => !rooms.has(room))).toEqual([])
  })

  test('the parser of this test sees imports', () => {
    expect(importsOf('pipeline/pipeline.ts')).toContain('journal/journal.ts')
    expect(importsOf('cli/main.ts')).toContain('cli/program.ts')
  })
})

describe('house rules', () => {
  test('only main ends the process', () => {
    const ending = sources.filter((path) => /process\.(?:exit|abort|reallyExit)\b/.test(textOf(path)))
    expect(ending).toEqual(['cli/main.ts'])
  })

  test('requests leave by one module; AWS has its own client, and the listener is asked by its socket', () => {
    const asking = sources.filter((path) => /(?<![.#\w])fetch\(/.test(textOf(path)))
    expect(asking).toEqual([
      'http/client.ts',
      'live/client.ts',
      'objects/fetch-handler.ts',
      'observe/read-status.ts',
    ])
    for (const path of asking) expect(textOf(path)).toMatch(/\bsignal\b/)
    const others = sources.filter((path) => /from '(?:node:https?|undici|axios)'/.test(textOf(path)))
    expect(others).toEqual([])
  })

  test('no file is named for what it does not say', () => {
    expect(
      sources.filter((path) => /(?:^|\/)(?:utils?|helpers?|common|misc|managers?)\b/.test(path)),
    ).toEqual([])
  })

  test('files stay small', () => {
    const long = sources.filter((path) => textOf(path).split('\n').length > 400)
    expect(long).toEqual(['record/sqlstate.ts'].filter((path) => long.includes(path)))
  })

  test('every exporter is registered and has its tests', () => {
    const names = readdirSync(join(SRC, 'exporters')).filter((name) => !name.includes('generated'))
    const registry = textOf('exporters/registry.generated.ts')
    for (const name of names) {
      expect(registry).toContain(`'./${name}'`)
      expect(existsSync(join(TESTS, 'exporters', name.replace(/\.ts$/, '.test.ts')))).toBe(true)
    }
  })

  test('every exporter is put through the conformance suite', () => {
    const names = readdirSync(join(SRC, 'exporters')).filter((name) => !name.includes('generated'))
    for (const name of names) {
      const path = join(TESTS, 'exporters', name.replace(/\.ts$/, '.test.ts'))
      const text = readFileSync(path, 'utf8')
      expect(text, `${path} does not call conformance()`).toMatch(/\bconformance\(/)
      expect(text, `${path} does not put it on trial`).toContain(`exporter: '${name.replace(/\.ts$/, '')}'`)
    }
  })
})
