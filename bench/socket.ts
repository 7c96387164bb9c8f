import { readFileSync } from 'node:fs'
import { decodeAcknowledgement } from '../src/codec/control.ts'
import { FrameDecoder, FrameType } from '../src/codec/frame.ts'
import { type Cost, costOf } from './measure.ts'

/** What is offered to the socket at a time; it takes less. */
const WRITE_BYTES = 1024 * 1024

/**
 * Sends a dump to a listener as a sender would, from a process of its own, and waits until the listener has
 * acknowledged the last record: until its destinations have it.
 *
 *     bun bench/socket.ts SOCKET DUMP RECORDS        prints the seconds that it took
 */
async function send(path: string, dump: string, records: number): Promise<number> {
  const bytes = readFileSync(dump)
  const decoder = new FrameDecoder()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let at = 0
  const write = (socket: Bun.Socket) => {
    for (let taken = 1; taken > 0 && at < bytes.length; at += taken) {
      taken = Math.max(0, socket.write(bytes.subarray(at, at + WRITE_BYTES)))
    }
  }
  const began = performance.now()
  const socket = await Bun.connect({
    unix: path,
    socket: {
      open: write,
      drain: write,
      error: (_, error) => reject(error),
      data: (_, chunk) =>
        decoder.push(chunk, (type, payload, start, end) => {
          const said = type === FrameType.Acknowledge ? decodeAcknowledgement(payload, start, end) : undefined
          if (said !== undefined && said.sequence >= BigInt(records)) resolve()
        }),
    },
  })
  await promise
  socket.end()
  return (performance.now() - began) / 1000
}

/** Runs a listener with these arguments, feeds it the dump, and ends it: its own cost, the feeder's not counted. */
export async function measureListener(
  binary: string,
  socketPath: string,
  destination: string,
  dump: string,
  records: number,
): Promise<Cost> {
  const listener = Bun.spawn([binary, 'listen', '--socket', socketPath, '--to', destination], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const reader = listener.stderr.getReader()
  const { value } = await reader.read()
  if (!new TextDecoder().decode(value).includes('listening')) throw new Error('the listener did not start')
  const feeder = Bun.spawn([process.execPath, import.meta.path, socketPath, dump, String(records)])
  const seconds = Number(await new Response(feeder.stdout).text())
  listener.kill('SIGTERM')
  await listener.exited
  return costOf(listener, seconds)
}

if (import.meta.main) {
  const [path, dump, records] = process.argv.slice(2)
  console.log(await send(path!, dump!, Number(records)))
}
