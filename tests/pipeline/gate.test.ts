import { afterEach, describe, expect, test } from 'bun:test'
import { PartialError, PermanentError } from '../../src/errors.ts'
import { RateLimit } from '../../src/filter/rate-limit.ts'
import { FebeEncoder } from '../../src/render/febe.ts'
import { dropped, hello, log, ring } from '../ingest/frames.ts'
import { accounted, Folder, type Run, range, until } from './journal-stage.ts'
import { ScriptedExporter } from './scripted-exporter.ts'

let runs: Run[] = []
const open = async (folder: Folder): Promise<Run> => {
  const run = await folder.open()
  runs.push(run)
  return run
}

afterEach(async () => {
  await Promise.all(runs.map((run) => run.stop(0)))
  runs = []
})

const preamble = [hello(), ring(7n, 1n)]
/** Ten records in each second, of which three may pass. */
const at = (n: number) => log(n, 2, { TimeMicros: BigInt(n) * 100_000n, MessageId: 'm' })
const gate = () => new RateLimit({ records: 3, perMs: 1000 })
const messages = ({ accepted }: ScriptedExporter): string[] =>
  accepted.map((line) => JSON.parse(line).message)
const isNote = (message: string): boolean => message.startsWith('pgturret: left out')

describe('a destination with a limit', () => {
  test('is told what it does not get, and every entry is accounted for', async () => {
    const run = await open(new Folder())
    const exporter = new ScriptedExporter()
    const outlet = await run.serve(exporter, { gate })
    run.take(...preamble)
    for (let n = 10; n < 40; n++) run.take(at(n))
    await run.settled()
    expect(messages(exporter).filter(isNote)).toEqual([
      'pgturret: left out 7 more records of "m" (rate limit 3/1s)',
      'pgturret: left out 7 more records of "m" (rate limit 3/1s)',
    ])
    expect(outlet.delivery.stats).toMatchObject({ delivered: 9, filtered: 21, notes: 0 })
    expect(accounted(outlet)).toBe(true)
  })

  test('the same from blocks that are read again, in one piece and with word of others in between', async () => {
    const folder = new Folder()
    const first = await open(folder)
    const away = new ScriptedExporter('hang')
    await first.serve(away, { gate, start: 'oldest' })
    first.take(...preamble, ...range(10, 29).map(at), dropped(30n, 5n), ...range(35, 60).map(at))
    await first.stop(0)
    const run = await open(folder)
    const febe = new ScriptedExporter()
    const exporter = new ScriptedExporter()
    const outlet = await run.serve(exporter, { gate, start: 'oldest' })
    const dump = await run.serve(febe, {
      name: 'dump',
      encoding: 'febe',
      encoder: () => new FebeEncoder(),
      gate,
      start: 'oldest',
    })
    await run.settled()
    expect(messages(exporter).filter(isNote)).toHaveLength(5)
    for (const one of [outlet, dump]) {
      expect(one.delivery.stats).toMatchObject({ delivered: 16, filtered: 30, notes: 1 })
      expect(accounted(one)).toBe(true)
    }
  })

  test('a note that is refused is no dead letter, and its neighbours have their positions', async () => {
    const run = await open(new Folder())
    const refuses = (line: string): boolean => isNote(JSON.parse(line).message) || /message 20\b/.test(line)
    const exporter = new ScriptedExporter((batch) => {
      const lines = new TextDecoder().decode(batch.bytes).split('\n').slice(0, -1)
      const rejected = lines.flatMap((line, index) =>
        refuses(line) ? [{ index, reason: 'no', status: undefined }] : [],
      )
      return rejected.length === 0 ? undefined : new PartialError([], rejected)
    })
    const outlet = await run.serve(exporter, { gate })
    run.take(...preamble, ...range(10, 39).map(at))
    await run.settled()
    expect(outlet.delivery.stats).toMatchObject({ delivered: 8, rejected: 1, filtered: 21 })
    expect(accounted(outlet)).toBe(true)
    // Message 20 is the eleventh entry.
    expect(run.letters.map(({ position }) => position)).toEqual([10])
  })

  test('one that wants nothing is accounted for as well', async () => {
    const run = await open(new Folder())
    const outlet = await run.serve(new ScriptedExporter(() => new PermanentError('never')), { gate })
    run.take(...preamble, ...range(10, 39).map(at))
    await until('everything to be settled', () => outlet.position === run.journal.end)
    expect(outlet.delivery.stats).toMatchObject({ delivered: 0, rejected: 9, filtered: 21 })
    expect(accounted(outlet)).toBe(true)
  })
})
