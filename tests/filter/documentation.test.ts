import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileCel } from '../../src/filter/cel/filter.ts'
import { KEYS } from '../../src/filter/cel/keys.ts'
import { eventSchema } from '../../src/record/schema.ts'

const page = readFileSync(join(import.meta.dir, '../../docs/filter.md'), 'utf8')

test('every expression that the page shows can be used', () => {
  const table = page.slice(page.indexOf('| to find'), page.indexOf('### Keys'))
  const shown = [...table.matchAll(/\| `(.*?)` +\|\n/g)].map(([, cell]) => cell!.replaceAll('\\|', '|'))
  const inFile = page.match(/filter = '''\n([\s\S]*?)'''/)![1]!
  expect(shown.length).toBeGreaterThan(7)
  for (const expression of [...shown, inFile]) expect(() => compileCel(expression)).not.toThrow()
})

test('the keys are those of the event, and two more; the page names all of them', () => {
  const more = ['level', 'sqlstate_class']
  expect([...KEYS.keys()].filter((key) => !more.includes(key)).sort()).toEqual(
    Object.keys(eventSchema.shape).sort(),
  )
  const table = page.slice(page.indexOf('### Keys'), page.indexOf('### Operators'))
  for (const key of KEYS.keys()) expect(table).toContain(`\`${key}\``)
})
