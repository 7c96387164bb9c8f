import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { type CommandPage, commandPages } from '../../src/cli/command-tree.ts'
import { makeProgram } from '../../src/cli/program.ts'
import { contextOf, run } from './run.ts'
import { type Shell, shell } from './shells.ts'

const pages = commandPages(makeProgram(async () => undefined, contextOf()))
const leaves = pages.filter(({ children }) => children.length === 0)
const lineOf = ({ words }: CommandPage, ...more: string[]): string =>
  ['pgturret', ...words, ...more].join(' ')

// A shell takes a while to start on a busy machine, and some tests start five.
setDefaultTimeout(60_000)

let folder = ''
beforeAll(() => {
  folder = mkdtempSync('/tmp/pgturret-completion-')
  writeFileSync(join(folder, 'monday one.febe'), '')
  mkdirSync(join(folder, 'journal-of-mine'))
  mkdirSync(join(folder, 'config/pgturret'), { recursive: true })
  const toml = 'level = "LOG"\n[exporters.warehouse]\nurl = "https://h/"\n[ exporters]\n[exporters.archive]\n'
  writeFileSync(join(folder, 'config/pgturret/pgturret.toml'), toml)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

for (const name of ['bash', 'zsh', 'fish'] as const) {
  const there = Bun.which(name) !== null
  describe.skipIf(!there)(there ? `${name} offers` : `${name} offers: it is not installed here`, () => {
    let asked: Shell
    beforeAll(async () => {
      const { code, stdout } = await run(['completion', name])
      expect(code).toBe(0)
      asked = shell(name, stdout, folder, { XDG_CONFIG_HOME: join(folder, 'config') })
    })
    const offers = async (line: string) => (await asked.offers([line]))[0]!

    test('every command', async () => {
      const groups = pages.filter(({ children }) => children.length > 0)
      const found = await asked.offers(groups.map((page) => `${lineOf(page)} `))
      expect(found).toEqual(groups.map(({ children }) => [...children].sort()))
    })

    test('every option of every command', async () => {
      const found = await asked.offers(leaves.map((page) => lineOf(page, '--')))
      for (const [index, { flags, words }] of leaves.entries()) {
        const longs = flags.map(({ long }) => long).sort()
        // zsh says of an option that its value may follow directly.
        expect([words, found[index]!.map((one) => one.replace(/=$/, ''))]).toEqual([words, longs])
      }
    })

    test('every choice of every option, behind a space and behind =', async () => {
      const places = leaves.flatMap((page) =>
        page.flags.flatMap(({ long, kind }) =>
          kind.is === 'words' ? [{ page, long, words: kind.words }] : [],
        ),
      )
      expect(places.length).toBeGreaterThan(10)
      const spaced = await asked.offers(places.map(({ page, long }) => lineOf(page, long, '')))
      const joined = await asked.offers(places.map(({ page, long }) => lineOf(page, `${long}=`)))
      for (const [index, { words, long }] of places.entries()) {
        const wanted = [...words].sort()
        expect([long, spaced[index]]).toEqual([long, wanted])
        expect([long, joined[index]!.map((one) => one.slice(one.indexOf('=') + 1)).sort()]).toEqual([
          long,
          wanted,
        ])
      }
    })

    test('what begins as the word does', async () => {
      expect(await offers('pgturret li')).toEqual(['listen'])
      expect(await offers('pgturret tail --level WA')).toEqual(['WARNING'])
      expect(await offers('pgturret completion z')).toEqual(['zsh'])
    })

    test('dumps, folders and groups where they belong', async () => {
      expect((await offers('pgturret tail mon')).join()).toMatch(/monday( |\\ )one\.febe/)
      expect((await offers('pgturret replay x.febe mon')).join()).toMatch(/monday( |\\ )one\.febe/)
      expect((await offers('pgturret listen --dump mon')).join()).toMatch(/monday( |\\ )one\.febe/)
      expect(await offers('pgturret journal ls jour')).toEqual([
        expect.stringMatching(/^journal-of-mine\/?$/),
      ])
      const folders = (await offers('pgturret journal ls ')).map((one) => one.replace('/', ''))
      expect(folders.filter((one) => !one.startsWith('.'))).toEqual(['config', 'journal-of-mine'])
      expect(await offers('pgturret listen --socket-group roo')).toEqual(['root'])
    })

    test('destinations: exporters of the configuration file, stdout, beginnings of URLs', async () => {
      const found = await offers('pgturret listen --to ')
      expect(found).toEqual(expect.arrayContaining(['archive', 'warehouse', 'stdout', 'file://', 'https://']))
      expect(await offers('pgturret listen --to ware')).toEqual(['warehouse'])
      expect(await offers('pgturret deadletter show ')).toEqual(['archive', 'warehouse'])
    })

    test('nothing where it knows nothing', async () => {
      expect(await offers('pgturret listen --max-connections ')).toEqual([])
      expect(await offers('pgturret listen --http-token mon')).toEqual([])
      // zsh offers options where nothing else can stand.
      expect((await offers('pgturret status ')).filter((one) => !one.startsWith('-'))).toEqual([])
    })
  })
}

describe('the command', () => {
  test.each([[[]], [['tcsh']], [['bash', 'zsh']], [['--nope']]])('refuses %p', async (words) => {
    const { code, stderr, stdout } = await run(['completion', ...words])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('expected one shell: bash, zsh, fish')
  })

  test('a tree is read as it is declared', () => {
    const program = new Command('x').description('d')
    program.command('group').command('leaf').summary('s').argument('<file>', 'f')
    const [, , leaf] = commandPages(program)
    expect(leaf).toMatchObject({ words: ['group', 'leaf'], summary: 's', children: [], after: '' })
    expect(leaf!.operands).toEqual([{ name: 'file', description: 'f', kind: { is: 'file' }, many: false }])
  })
})
