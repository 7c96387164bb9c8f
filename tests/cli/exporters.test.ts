import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { writeExporter } from '../../src/cli/exporters/new.ts'
import { optionSpecs } from '../../src/config/options.ts'
import { EXPORTERS } from '../../src/exporters/registry.generated.ts'
import { run } from './run.ts'

const ROOT = resolve(import.meta.dir, '../..')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync('/tmp/pgturret-exporters-')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('list: a line each', async () => {
  const { code, stdout } = await run(['exporters', 'list'])
  expect(code).toBe(0)
  const lines = stdout.trimEnd().split('\n').slice(1)
  expect(lines).toHaveLength(EXPORTERS.length)
  for (const [index, { name, schemes, summary }] of EXPORTERS.entries()) {
    expect(lines[index]).toStartWith(name)
    expect(lines[index]).toEndWith(summary)
    for (const scheme of schemes) expect(lines[index]).toContain(`${scheme}:`)
  }
})

describe('describe', () => {
  test.each(EXPORTERS.map((exporter) => [exporter.name, exporter] as const))(
    '%s: everything',
    async (name, exporter) => {
      const { code, stdout } = await run(['exporters', 'describe', name])
      expect(code).toBe(0)
      expect(stdout).toStartWith(`${name}: ${exporter.summary}\n`)
      expect(stdout).toContain(exporter.example)
      expect(stdout).toContain(`[exporters.my-${name}]\n  url = "${exporter.example}"`)
      for (const { flag, env, fileKey } of optionSpecs(exporter.options, name)) {
        for (const word of [flag, env, `${fileKey} = `]) expect(stdout).toContain(word)
      }
    },
  )

  test('what is not there is met with what was meant', async () => {
    const { code, stderr } = await run(['exporters', 'describe', 'htp'])
    expect(code).toBe(2)
    expect(stderr).toContain('there is no exporter "htp"')
    expect(stderr).toContain('did you mean http?')
    expect((await run(['exporters', 'describe'])).stderr).toContain('expected the name of an exporter')
    expect((await run(['exporters', 'list', 'x'])).code).toBe(2)
  })
})

describe('new', () => {
  /** A checkout without its history: what the generated files and a test of an exporter are made of. */
  const checkout = (name: string): string => {
    const root = join(folder, name)
    mkdirSync(root, { recursive: true })
    const parts = [
      'src',
      'scripts',
      'docs',
      'kernel',
      'shim',
      'tests',
      'package.json',
      'tsconfig.json',
      'biome.json',
      'bunfig.toml',
      '.gitignore',
    ]
    for (const part of parts) cpSync(join(ROOT, part), join(root, part), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))
    return root
  }

  const inside = async (root: string, ...command: string[]) => {
    const PATH = `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH']}`
    const child = Bun.spawn(command, {
      cwd: root,
      env: { ...process.env, PATH },
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()])
    return { code: await child.exited, said: stdout + stderr }
  }

  test('passes its test, lint and types as it is written, and is a destination after "generate"', async () => {
    const root = checkout('whole')
    const main = join(root, 'src/cli/main.ts')
    const written = await inside(root, process.execPath, main, 'exporters', 'new', 'my-queue')
    expect(written).toEqual({ code: 0, said: expect.stringContaining('wrote src/exporters/my-queue.ts\n') })
    const generated = await inside(root, process.execPath, 'scripts/generate.ts')
    expect(generated.code).toBe(0)
    const [tested, linted, again, described] = await Promise.all([
      inside(root, process.execPath, 'test', 'tests/exporters/my-queue.test.ts'),
      inside(
        root,
        'biome',
        'check',
        '--error-on-warnings',
        '--vcs-enabled=false',
        'src/exporters',
        'tests/exporters',
      ),
      inside(root, process.execPath, 'scripts/generate.ts', '--check'),
      inside(root, process.execPath, main, 'exporters', 'describe', 'my-queue'),
    ])
    expect(tested.said).toContain(' 0 fail')
    for (const { code, said } of [tested, linted, again, described])
      expect({ code, said }).toEqual({ code: 0, said })
    expect(described.said).toContain('PGTURRET_MY_QUEUE_BATCH_RECORDS')
    expect(existsSync(join(root, 'docs/reference/exporters/my-queue.md'))).toBe(true)
    const types = await inside(root, 'tsc', '--noEmit', '-p', typesOf(root))
    expect(types).toEqual({ code: 0, said: '' })
    writeFileSync(join(root, 'docs/reference/exporters/gone.md'), '')
    expect((await inside(root, process.execPath, 'scripts/generate.ts', '--check')).said).toContain(
      'left over: docs/reference/exporters/gone.md; run "make generate"',
    )
  }, 120_000)

  /** The parts that were copied. */
  const typesOf = (root: string): string => {
    const path = join(root, 'tsconfig.exporters.json')
    writeFileSync(
      path,
      JSON.stringify({
        extends: './tsconfig.json',
        include: ['src/exporters', 'src/embedded-text.d.ts', 'tests/exporters'],
        exclude: [
          'tests/exporters/forms.test.ts',
          'tests/exporters/http.test.ts',
          'tests/exporters/file.test.ts',
        ],
      }),
    )
    return path
  }

  /** What looks like a checkout. */
  const bare = (name: string): string => {
    const root = join(folder, name)
    for (const part of ['src/exporters', 'tests/exporters']) mkdirSync(join(root, part), { recursive: true })
    writeFileSync(join(root, 'package.json'), '{"name": "pgturret"}')
    writeFileSync(join(root, 'src/exporters/registry.generated.ts'), '')
    return root
  }

  test.each(['', 'Upper', '9lives', 'a_b', '../x', 'a/b', '-a', 'a-', 'a--b', 'a'.repeat(31)])(
    'refuses the name %p',
    (name) => {
      const root = bare(`name-${name.length}`)
      expect(() => writeExporter(name, root)).toThrow('expected a name of at most 30 small letters')
    },
  )

  test('leaves what is there alone', () => {
    const root = bare('there')
    const test = join(root, 'tests/exporters/mine.test.ts')
    writeFileSync(test, 'kept')
    expect(() => writeExporter('mine', root)).toThrow('tests/exporters/mine.test.ts exists; it is left alone')
    expect(readFileSync(test, 'utf8')).toBe('kept')
    expect(existsSync(join(root, 'src/exporters/mine.ts'))).toBe(false)
  })

  test('refuses to write elsewhere than in a checkout', () => {
    const other = join(folder, 'other')
    mkdirSync(join(other, 'src/exporters'), { recursive: true })
    expect(() => writeExporter('mine', other)).toThrow('is no checkout')
    writeFileSync(join(other, 'package.json'), '{"name": "other"}')
    expect(() => writeExporter('mine', other)).toThrow('is no checkout')
    expect(existsSync(join(other, 'src/exporters/mine.ts'))).toBe(false)
  })
})
