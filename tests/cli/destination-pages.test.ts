import { afterAll, describe, expect, test } from 'bun:test'
import { generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { configFolder } from '../config/folder.ts'
import { makeCertificates } from '../support/certificates.ts'
import { run } from './run.ts'

/** The configurations that the pages of destinations show can be copied as they are, and so can what is commented out in them. */

const PAGES = join(import.meta.dir, '../../docs/destinations')

const folder = configFolder()
const certificates = makeCertificates()
afterAll(certificates.remove)
const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string

/** Whole files of configuration in a page: those with a table. */
const blocksOf = (page: string): string[] =>
  [...readFileSync(join(PAGES, page), 'utf8').matchAll(/```toml\n(.*?)```/gs)]
    .map(([, block]) => block!)
    .filter((block) => /^\[/m.test(block))

/** What a file of this name would hold. */
function contentOf(path: string): string {
  const { server, ca } = certificates
  if (path.endsWith('.json')) {
    return JSON.stringify({
      type: 'service_account',
      client_email: 'pgturret@my-project.iam.gserviceaccount.com',
      private_key: rsaKey,
    })
  }
  if (path.endsWith('azure.pem')) return `${ca}${rsaKey}`
  if (path.endsWith('.key')) return server.key
  return path.endsWith('.pem') ? `${server.cert}${ca}` : 'secret'
}

/** Checks a block, with the files and the variables that it names. */
async function outcomeOf(block: string): Promise<string> {
  const text = block.replaceAll(
    /"(file:)?(\/etc\/[^"]+)"/g,
    (_, prefix: string | undefined, path: string) => {
      const file = folder.write(basename(path), contentOf(path))
      return JSON.stringify(`${prefix ?? ''}${file}`)
    },
  )
  // Secrets are read from the program's own environment.
  const names = [...text.matchAll(/env:([A-Z_]+)/g)].map(([, name]) => name!)
  const before = Object.fromEntries(names.map((name) => [name, process.env[name]]))
  for (const name of names) process.env[name] = 'secret'
  try {
    const { code, stderr } = await run(['config', 'check', folder.write('page.toml', text)])
    return code === 0 ? 'ok' : stderr
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}

/** `#name = value`, commented out; not what is said in words. */
const COMMENTED = /^#(?=[a-z_]+ = )/

describe.each(readdirSync(PAGES))('%s', (page) => {
  const blocks = blocksOf(page)

  test('shows a configuration', () => {
    expect(blocks.length).toBeGreaterThan(0)
  })

  test.each(blocks)('that can be used: %#', async (block) => {
    expect(await outcomeOf(block)).toBe('ok')
  })

  test.each(blocks)(
    'with each line that is commented out, alone or together with the others: %#',
    async (block) => {
      const lines = block.split('\n')
      const all = await outcomeOf(lines.map((line) => line.replace(COMMENTED, '')).join('\n'))
      for (const [n, line] of lines.entries()) {
        if (!COMMENTED.test(line)) continue
        const alone = await outcomeOf(lines.with(n, line.replace(COMMENTED, '')).join('\n'))
        if (alone !== 'ok') expect([line, alone, all]).toEqual([line, alone, 'ok'])
      }
    },
  )
})
