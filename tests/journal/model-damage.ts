import type { World } from './model-world.ts'
import { blockPlaces, positionsIn } from './segment-map.ts'
import type { SimulatedFile } from './simulated-file.ts'

/** What is damaged twice has a map no more. */
const flipped = new WeakSet<SimulatedFile>()

/**
 * Damages a segment, and excuses what is lost with that.
 *
 * @param change returns the stretch of the file that is not what it was
 */
function damage(
  world: World,
  index: number,
  change: (file: SimulatedFile, path: string) => readonly [from: number, to: number],
): void {
  const path = world.segments[index % Math.max(1, world.segments.length)]
  const file = path === undefined ? undefined : world.disk.file(path)
  if (file === undefined || flipped.has(file)) return
  const places = blockPlaces(file.contents)
  const [from, to] = change(file, path!)
  for (const position of positionsIn(places, from, to)) world.excuse(position)
  world.doubt = true
}

/** Flips a bit of what is on the disk. */
export function flip(world: World, index: number, part: number, bit: number): void {
  damage(world, index, (file) => {
    const at = Math.floor(part * Math.max(0, file.syncedBytes - 1))
    // Behind a hole nothing says that the position in a `K` is wrong.
    const before = blockPlaces(file.contents.subarray(0, at))
    const whole = before.reduce((sum, { from, to }) => sum + to - from, 0)
    const block = blockPlaces(file.contents).find(({ from, to }) => from <= at && at < to)
    if (block?.from !== whole) return [0, 0]
    file.flip(at, bit)
    flipped.add(file)
    return [at, at + 1]
  })
}

/** Cuts a segment off. */
export function cutFile(world: World, index: number, part: number): void {
  damage(world, index, (file) => {
    const at = Math.floor(part * file.contents.length)
    // What is being written right now may have been cut in the middle.
    for (let position = world.journal.durable; position < world.journal.end; position++)
      world.excuse(position)
    file.replace(file.contents.subarray(0, at))
    return [at, Number.POSITIVE_INFINITY]
  })
}

/** A page of a segment that is complete cannot be read any more. */
export function spoil(world: World, index: number, part: number): void {
  const complete = world.segments.length - 1
  if (complete < 1) return
  damage(world, index % complete, (file, path) => {
    const at = Math.floor((part * file.contents.length) / 4096) * 4096
    world.disk.badBytes.set(path, [at, at + 4096])
    return [at, at + 4096]
  })
}
