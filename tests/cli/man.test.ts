import { describe, expect, test } from 'bun:test'
import { COMMANDS } from '../../scripts/generate/cli-reference.ts'
import { commandPages } from '../../src/cli/command-tree.ts'
import { plain, prose, verbatim } from '../../src/cli/man/roff.ts'
import { makeProgram } from '../../src/cli/program.ts'
import { contextOf, run } from './run.ts'

const pages = commandPages(makeProgram(async () => undefined, contextOf()))

async function through(command: readonly string[], text: string) {
  const child = Bun.spawn([...command], { stdin: Buffer.from(text), stdout: 'pipe', stderr: 'pipe' })
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()])
  return { stdout, stderr, code: await child.exited }
}

/** As a reader sees it, without what terminals need for bold. */
const GROFF = ['groff', '-man', '-ww', '-Tutf8', '-P-c', '-P-b', '-P-u', '-rLL=100n']

const manual = async () => (await run(['man'])).stdout

describe.skipIf(Bun.which('groff') === null)('groff', () => {
  test('takes it without a warning', async () => {
    const { code, stderr } = await through(GROFF, await manual())
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('shows every section, command, option, choice and variable', async () => {
    // Lines are filled: a word may be hyphenated only where there is a hyphen, and spaces are many.
    const shown = (await through([...GROFF, '-rHY=0'], await manual())).stdout.replace(/-?\n\s+/g, ' ')
    const flat = shown.replace(/[‐−]/g, '-').replace(/\s+/g, ' ')
    const sections = ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'COMMANDS', 'OPTIONS', 'ENVIRONMENT', 'FILES']
    for (const title of [...sections, 'EXIT STATUS', 'EXAMPLES', 'SEE ALSO']) expect(flat).toContain(title)
    for (const { words, flags } of pages) {
      expect(flat).toContain(['pgturret', ...words].join(' '))
      for (const { long, value, spec } of flags) {
        expect(flat).toContain(value === undefined ? long : `${long} ${value}`)
        if (spec !== undefined) expect(flat).toContain(spec.env)
      }
    }
  })

  test('examples can be typed as they are shown', async () => {
    const { stdout } = await through(GROFF, await manual())
    expect(stdout).toContain('pgturret replay pg.febe --format json | jq .message')
    expect(stdout).toContain("shared_preload_libraries = 'pgturret'")
    expect(stdout).toContain('~/.config/pgturret/pgturret.toml')
  })
})

// "make test" installs both where it may.
test.skipIf(Bun.which('mandoc') === null)('mandoc finds nothing but that there is no date', async () => {
  const { stdout } = await through(['mandoc', '-T', 'lint', '-W', 'warning'], await manual())
  expect(stdout.replace(/^mandoc: <stdin>:2:\d+: WARNING: missing date.*\n/m, '')).toBe('')
})

describe('troff', () => {
  test('what it would take for its own is text', () => {
    expect(plain('a\\b --to "x" ~/y …')).toBe('a\\eb \\-\\-to \\(dqx\\(dq \\(ti/y \\[u2026]')
    expect(prose('.so /etc/passwd')).toBe('\\&.so /etc/passwd\n')
    expect(verbatim(['.x', '', "'y"])).toBe('.nf\n\\&.x\n.sp\n\\(aqy\n.fi\n')
  })

  test('lines are short', () => {
    const lines = prose('word '.repeat(100).trim()).split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(78)
  })
})

test('the reference has a section for every command', () => {
  const leaves = pages.filter(({ children }) => children.length === 0).map(({ words }) => words.join(' '))
  expect(COMMANDS.map((words) => words.join(' ')).sort()).toEqual(['', ...leaves].sort())
})

test('takes nothing: status 2', async () => {
  expect(await run(['man', 'x', '--nope'])).toMatchObject({ code: 2, stdout: '' })
})
