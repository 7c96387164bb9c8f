import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { ProgressBar } from '../../../src/cli/replay/progress-bar.ts'
import { bar, progressLine } from '../../../src/cli/replay/progress-line.ts'
import { makeLog } from '../../../src/log.ts'
import { columnsOf } from '../../../src/render/visible.ts'
import { FakeClock } from '../../pipeline/fake-clock.ts'

const MB = 1024 ** 2
const progress = { name: 'monday.febe', records: 1_200_000, bytes: 300 * MB, totalBytes: 400 * MB }
const speed = { recordsPerSecond: 412_000, bytesPerSecond: 50 * MB }

describe('the line', () => {
  test('says how far, how much, how fast and how long', () => {
    expect(progressLine(progress, speed, 110)).toBe(
      `${'█'.repeat(30)}${'░'.repeat(10)}  75%  300 MB of 400 MB  412,000 records/s  ETA 2s  monday.febe`,
    )
  })

  test('leaves out what has no place', () => {
    expect(progressLine(progress, speed, 60)).not.toContain('monday')
    expect(progressLine(progress, speed, 30)).toContain('75%')
  })

  test('without a total there is no bar', () => {
    expect(progressLine({ ...progress, totalBytes: undefined }, speed, 80)).toBe(
      'monday.febe  1,200,000 records  300 MB  412,000 records/s',
    )
  })

  test('never goes over the edge, whatever the terminal', () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 40),
        fc.option(fc.nat(2 ** 40), { nil: undefined }),
        fc.integer({ min: 30, max: 200 }),
        (bytes, totalBytes, columns) => {
          const line = progressLine({ ...progress, bytes, totalBytes }, speed, columns)
          expect(columnsOf(line)).toBeLessThanOrEqual(columns)
        },
      ),
    )
  })

  test('a bar has its columns, filled by its share', () => {
    expect([bar(0, 4), bar(0.5, 4), bar(1, 4), bar(2, 4), bar(1 / 32, 4)]).toEqual([
      '░░░░',
      '██░░',
      '████',
      '████',
      '▏░░░',
    ])
  })
})

describe('on a terminal', () => {
  test('log lines stand above it, and nothing of it is left', () => {
    let screen = ''
    const clock = new FakeClock()
    const write = (text: string) => {
      screen += text
    }
    const shown = new ProgressBar(write, () => 80, clock)
    shown.show(progress)
    shown.log(makeLog(write, true)).info('half of it')
    clock.advance(1000)
    shown.show({ ...progress, bytes: 350 * MB })
    shown.end()
    shown.show(progress)
    const lines = screen.split('\r\x1b[K').filter((line) => line !== '')
    expect(lines[0]).toContain('75%')
    expect(lines[1]).toStartWith('pgturret: half of it\n')
    expect(lines.at(-1)).toContain('87%')
    expect(lines.at(-1)).toContain('ETA 1s')
    expect(screen).toEndWith('\r\x1b[K')
  })

  test('it is as wide as the terminal is at the moment', () => {
    let [screen, columns] = ['', 100]
    const clock = new FakeClock()
    const shown = new ProgressBar(
      (text) => {
        screen = text
      },
      () => columns,
      clock,
    )
    for (const width of [100, 40]) {
      columns = width
      clock.advance(1000)
      shown.show(progress)
      expect(columnsOf(screen.replace('\r\x1b[K', ''))).toBeLessThan(width)
    }
    shown.end()
  })
})
