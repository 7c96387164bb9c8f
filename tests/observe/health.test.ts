import { describe, expect, test } from 'bun:test'
import { healthSentence, problemsOf } from '../../src/observe/health.ts'
import { exporterSnapshot, journalSnapshot, listenerSnapshot, snapshotWith } from './snapshots.ts'

describe('problems', () => {
  test('none when the socket, the journal and every destination are up', () => {
    expect(problemsOf(snapshotWith({ exporters: [exporterSnapshot({ state: 'idle' })] }))).toEqual([])
    expect(problemsOf(snapshotWith({ exporters: [] }))).toEqual([])
  })

  test('an old failure of a destination that works again is none', () => {
    expect(problemsOf(snapshotWith({ exporters: [exporterSnapshot({ lastError: 'no' })] }))).toEqual([])
  })

  test('a line for each', () => {
    const snapshot = snapshotWith({
      stopping: true,
      listener: listenerSnapshot({ listening: false }),
      journal: journalSnapshot({ state: 'failing', lastError: 'no space left' }),
      exporters: [
        exporterSnapshot({ name: 'a', state: 'retrying', lastError: 'refused' }),
        exporterSnapshot({ name: 'b', state: 'blocked' }),
        exporterSnapshot({ name: 'c' }),
        exporterSnapshot({ name: 'd', state: 'closed' }),
      ],
    })
    expect(problemsOf(snapshot)).toEqual([
      'stopping: told to stop; sends what is left',
      'socket: not listening on /run/pgturret/log.sock',
      'journal: failing: no space left',
      'exporter a: retrying: refused',
      'exporter b: blocked',
      'exporter d: closed',
    ])
  })

  test('a destination cannot forge a line, or fill a page', () => {
    const lastError = `no\nexporter z: fine\x1b[2J${'x'.repeat(10_000)}`
    const [line = ''] = problemsOf(
      snapshotWith({ exporters: [exporterSnapshot({ state: 'retrying', lastError })] }),
    )
    expect(line).toStartWith('exporter warehouse: retrying: no\\nexporter z: fine\\x1b[2Jxxx')
    expect(line.length).toBeLessThan(400)
  })
})

test('a sentence for systemctl', () => {
  const down = exporterSnapshot({ name: 'kafka', state: 'blocked', lastError: 'no such topic' })
  expect(healthSentence(snapshotWith({ exporters: [exporterSnapshot(), down] }))).toBe(
    '1,234,567 records received; 1 of 2 destinations up; exporter kafka: blocked: no such topic',
  )
})
