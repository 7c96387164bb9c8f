import { describe, expect, test } from 'bun:test'
import { roomOf, writePiece } from '../../src/record/room.ts'
import { fixedPartOf, NameTemplate, templateProblem } from '../../src/render/name-template.ts'
import { recordOf } from '../record/records.ts'

function nameOf(template: string, DatabaseName: string | null): string {
  const names = new NameTemplate(template)
  const record = recordOf({ DatabaseName, ELevel: 15, Encoding: 'UTF8' }, { identity: 'Shop-1' })
  const out = Buffer.alloc(1000)
  const end = writePiece(roomOf(out), 0, names.nameFor(record))
  expect(end).toBeLessThanOrEqual(names.most)
  return out.toString('utf8', 0, end)
}

describe('a name', () => {
  test.each([
    ['logs', null, 'logs'],
    ['pg-{database}', 'Orders', 'pg-orders'],
    ['pg-{database}', null, 'pg-none'],
    ['pg-{database}', 'a"b\\c/d.e-f', 'pg-a_b_c_d_e_f'],
    ['{identity}.{severity}', 'x', 'shop_1.log'],
    ['{database}', 'y'.repeat(500), 'y'.repeat(100)],
    [`{database}{database}${'x'.repeat(55)}`, 'y'.repeat(500), 'y'.repeat(200) + 'x'.repeat(55)],
    ['{database}{database}{database}', 'y'.repeat(500), 'y'.repeat(255)],
  ])('%p of database %p is %p', (template, database, expected) => {
    expect(nameOf(template, database)).toBe(expected)
  })

  test('is remembered, and no peer can make it remember for ever', () => {
    const names = new NameTemplate('{database}')
    const of = (n: number) => names.nameFor(recordOf({ DatabaseName: `d${n}`, ELevel: 15, Encoding: 'UTF8' }))
    const first = of(0)
    expect(of(0)).toBe(first)
    for (let n = 1; n <= 1000; n++) of(n)
    expect(of(0)).not.toBe(first)
  })
})

test.each([
  ['{user}', '{user} is not known'],
  ['{database', '{database is not known'],
  ['{}', '{} is not known'],
  ['{toString}', 'is not known'],
])('%p: %p', (template, expected) => {
  expect(templateProblem(template)).toContain(expected)
})

test('what is fixed', () => {
  expect(templateProblem('a-{database}-{identity}')).toBeUndefined()
  expect(fixedPartOf('a-{database}-b{identity}')).toBe('a--b')
})
