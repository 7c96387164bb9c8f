/** Says yes to every command of MongoDB's protocol without looking at it; says its port. A process of its own: what it costs is not counted. */

import { BSON } from 'mongodb'

const HEADER_BYTES = 16
const OP_QUERY = 2004

const yes = BSON.serialize({
  ok: 1,
  n: 0,
  ismaster: true,
  helloOk: true,
  maxBsonObjectSize: 16 * 1024 * 1024,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  minWireVersion: 0,
  maxWireVersion: 21,
})

/** The same answer as OP_MSG, or as OP_REPLY to the first hello. */
function answerTo(id: number, code: number): Buffer {
  const head = code === OP_QUERY ? Buffer.concat([Buffer.alloc(16), Buffer.of(1, 0, 0, 0)]) : Buffer.alloc(5)
  const header = Buffer.alloc(HEADER_BYTES)
  const length = HEADER_BYTES + head.length + yes.length
  for (const [i, value] of [length, 1, id, code === OP_QUERY ? 1 : code].entries())
    header.writeInt32LE(value, 4 * i)
  return Buffer.concat([header, head, yes])
}

const server = Bun.listen<{ parts: Buffer[]; bytes: number }>({
  hostname: '127.0.0.1',
  port: 0,
  socket: {
    open: (socket) => {
      socket.data = { parts: [], bytes: 0 }
    },
    data: (socket, chunk) => {
      const { data } = socket
      data.parts.push(Buffer.from(chunk))
      data.bytes += chunk.length
      // Clients wait for an answer before they go on: there is never more than one message.
      if (data.bytes < HEADER_BYTES || data.bytes < data.parts[0]!.readInt32LE(0)) return
      const first = Buffer.concat(data.parts.slice(0, 4))
      socket.data = { parts: [], bytes: 0 }
      socket.write(answerTo(first.readInt32LE(4), first.readInt32LE(12)))
    },
  },
})
console.log(server.port)
