import fc from 'fast-check'
import { cutFile, flip, spoil } from './model-damage.ts'
import type { Item } from './model-entries.ts'
import type { World } from './model-world.ts'
import type { Operation } from './simulated-disk.ts'

/** What can happen to a journal. The truth lives in the world itself, so the model of fast-check is empty. */
class Command implements fc.AsyncCommand<object, World> {
  readonly #text: string
  readonly #run: (world: World) => Promise<unknown> | unknown

  constructor(text: string, run: (world: World) => Promise<unknown> | unknown) {
    this.#text = text
    this.#run = run
  }

  check(): boolean {
    return true
  }

  async run(_: object, world: World): Promise<void> {
    await this.#run(world)
  }

  toString(): string {
    return this.#text
  }
}

/** Numbers from 0 to below 1 that follow from a seed. */
export function lots(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const part = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100)
const index = fc.nat(9)
const seed = fc.nat(1_000_000)

const items = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant<Item>('record') },
    { weight: 1, arbitrary: fc.constantFrom<Item>('long record', 'drop', 'unwanted') },
  ),
  { minLength: 1, maxLength: 6 },
)

const send = fc
  .tuple(fc.nat(2), items)
  .map(([who, what]) => new Command(`send ${who}: ${what}`, (world) => world.send(who, what)))

const goOn = fc.nat(30).map((count) => new Command(`wait ${count}`, (world) => world.wait(count)))

const awaitDurable = fc.constant(new Command('sync', (world) => world.awaitDurable()))

const watch = part.map((at) => new Command(`watch from ${at}`, (world) => world.watch(at)))

const read = fc.tuple(index, fc.integer({ min: 1, max: 5 })).map(
  ([who, blocks]) =>
    new Command(`read ${blocks} with ${who}`, async (world) => {
      const reader = world.readers[who % Math.max(1, world.readers.length)]
      if (reader !== undefined) await world.read(reader, blocks)
    }),
)

const readAll = fc.constant(new Command('read all', (world) => world.readAll()))

const crash = fc
  .tuple(fc.constantFrom('process' as const, 'power' as const), seed, fc.nat(40))
  .map(
    ([kind, number, after]) =>
      new Command(`crash ${kind} ${number} after ${after}`, (world) =>
        world.crash(kind, lots(number), after),
      ),
  )

const close = fc.constant(new Command('close', (world) => world.close()))

const commit = fc
  .tuple(fc.constantFrom('near', 'far'), part)
  .map(([name, at]) => new Command(`commit ${name} at ${at}`, (world) => world.commit(name, at)))

const garble = fc
  .tuple(fc.constantFrom('near', 'far'), fc.nat(255))
  .map(([name, byte]) => new Command(`garble ${name} ${byte}`, (world) => world.garbleCursor(name, byte)))

const settle = part.map(
  (at) =>
    new Command(`settled ${at}`, ({ journal }) =>
      journal.settled(journal.start + Math.floor((journal.durable - journal.start) * at)),
    ),
)

const fail = fc
  .tuple(
    fc.constantFrom<Operation>('write', 'sync', 'read', 'open', 'remove', 'truncate'),
    fc.integer({ min: 1, max: 10 }),
  )
  .map(([operation, most]) => {
    // What cannot be read for long enough counts as damaged.
    const times = operation === 'read' ? Math.min(7, most) : most
    return new Command(`fail ${operation} ${times} times`, ({ disk }) => {
      disk.failures.set(operation, { times, code: 'EIO' })
    })
  })

const fillDisk = fc.nat(2000).map(
  (free) =>
    new Command(`${free} bytes left`, ({ disk }) => {
      disk.capacity = disk.bytes + free
    }),
)

const emptyDisk = fc.constant(
  new Command('disk has room', ({ disk }) => {
    disk.capacity = Number.POSITIVE_INFINITY
  }),
)

const setClock = fc.constantFrom(-365, -1, 1, 365).map(
  (days) =>
    new Command(`clock ${days} days`, ({ clock }) => {
      clock.offsetMs += days * 86_400_000
    }),
)

const flipBit = fc
  .tuple(index, part, fc.nat(7))
  .map(
    ([which, at, bit]) =>
      new Command(`flip ${which} at ${at} bit ${bit}`, (world) => flip(world, which, at, bit)),
  )

const cut = fc
  .tuple(index, part)
  .map(([which, at]) => new Command(`cut ${which} at ${at}`, (world) => cutFile(world, which, at)))

const unreadable = fc
  .tuple(index, part)
  .map(([which, at]) => new Command(`unreadable ${which} at ${at}`, (world) => spoil(world, which, at)))

const often = [send, send, send, goOn, awaitDurable, read, readAll, commit]
const crashes = [crash, close]

/** Sequences of what can happen. `harsh` damages what had been safe, too. */
export function histories(harsh: boolean): fc.Arbitrary<Iterable<fc.AsyncCommand<object, World>>> {
  const rare = [watch, garble, settle, fail, fillDisk, emptyDisk, setClock, ...crashes]
  const damage = harsh ? [flipBit, flipBit, cut, unreadable] : []
  return fc.commands([...often, ...rare, ...damage], { maxCommands: 50, size: 'max' })
}
