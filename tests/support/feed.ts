import { decodeAcknowledgement } from '../../src/codec/control.ts'
import { FrameDecoder, FrameType } from '../../src/codec/frame.ts'

/** What is offered to the socket at a time; it takes less. */
const WRITE_BYTES = 1024 * 1024

/**
 * Sends a stream of frames to a listener as a sender would, and resolves when it has acknowledged the last record.
 *
 * @param path of the listener's socket
 * @param bytes logfebe-2, its sequences from 1 to `records`
 */
export async function feed(path: string, bytes: Uint8Array, records: number): Promise<void> {
  const decoder = new FrameDecoder()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let at = 0
  const write = (socket: Bun.Socket) => {
    for (let taken = 1; taken > 0 && at < bytes.length; at += taken) {
      taken = Math.max(0, socket.write(bytes.subarray(at, at + WRITE_BYTES)))
    }
  }
  const socket = await Bun.connect({
    unix: path,
    socket: {
      open: write,
      drain: write,
      error: (_, error) => reject(error),
      close: () =>
        reject(new Error('the listener closed the connection before it had acknowledged everything')),
      data: (_, chunk) =>
        decoder.push(chunk, (type, payload, start, end) => {
          const said = type === FrameType.Acknowledge ? decodeAcknowledgement(payload, start, end) : undefined
          if (said !== undefined && said.sequence >= BigInt(records)) resolve()
        }),
    },
  })
  try {
    await promise
  } finally {
    socket.end()
  }
}
