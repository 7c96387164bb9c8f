import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { BytesTable } from '../../src/summary/bytes-table.ts'

const utf8 = new TextEncoder()

function add(table: BytesTable, key: string, amount = 0): void {
  const bytes = utf8.encode(`<${key}>`)
  table.add(bytes, 1, bytes.length - 1, () => key, amount)
}

describe('a table', () => {
  test('counts as a map would', () => {
    const key = fc.oneof(
      fc.string(),
      fc.constantFrom('a', 'b', '', 'a longer one that is more than its hash sees'),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.nat(100))), (pairs) => {
        const table = new BytesTable()
        const counts = new Map<string, { count: number; total: number; most: number }>()
        for (const [name, amount] of pairs) {
          add(table, name, amount)
          const { count, total, most } = counts.get(name) ?? { count: 0, total: 0, most: 0 }
          counts.set(name, { count: count + 1, total: total + amount, most: Math.max(most, amount) })
        }
        const { rows, others } = table.top(1000)
        expect(new Map(rows.map(({ label, ...row }) => [label, row]))).toEqual(counts)
        expect(others).toEqual({ keys: 0, count: 0, total: 0, most: 0 })
        expect(rows.map(({ count }) => count)).toEqual(rows.map(({ count }) => count).sort((a, b) => b - a))
      }),
    )
  })

  test('with too many keys keeps the heavy ones, and every sum', () => {
    const table = new BytesTable()
    let records = 0
    for (let i = 0; i < 100_000; i++) {
      add(table, `rare ${i}`, 2)
      if (i % 10 === 0) add(table, `often ${i % 50}`, 3)
      records += i % 10 === 0 ? 2 : 1
    }
    expect(table.size).toBeLessThanOrEqual(16_384)
    expect(table.merged).toBe(true)
    const { rows, others } = table.top(5)
    expect(rows.map(({ label, count }) => [label, count]).sort()).toEqual(
      [0, 10, 20, 30, 40].map((i) => [`often ${i}`, 2000]),
    )
    expect(others.count + 10_000).toBe(records)
    expect(others.total).toBe(200_000)
    expect(others.keys).toBe(100_000)
  })

  test('by the sum of amounts', () => {
    const table = new BytesTable(true)
    for (let i = 0; i < 10; i++) add(table, 'often', 1)
    add(table, 'slow', 100)
    const { rows, others } = table.top(1)
    expect(rows).toEqual([{ label: 'slow', count: 1, total: 100, most: 100 }])
    expect(others).toEqual({ keys: 1, count: 10, total: 10, most: 1 })
  })
})
