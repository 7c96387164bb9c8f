import { describe, expect, test } from 'bun:test'
import { ExampleServer } from '../exporters/websocket-example.ts'
import { PROOF, PROOF_MS, prove } from './proof.ts'
import { withService } from './with-service.ts'

/** The websocket destination over a bad network, to the server that its page shows: each record is there once, in order. */

const toxiproxy = await withService('toxiproxy')

describe.skipIf(toxiproxy.missing !== undefined)('websocket', () => {
  test(
    PROOF,
    async () => {
      const server = await ExampleServer.start()
      try {
        await prove({
          name: 'websocket',
          toxiproxy: toxiproxy.running,
          upstream: `127.0.0.1:${server.port}`,
          words: (at) => ['--to', `ws://${at}/`],
          server,
          arrived: () => server.records(),
          mostRepeats: 0,
        })
        const sequences = server.records().map(({ uid }) => Number(uid.split('-')[1]))
        expect(sequences.every((sequence, i) => sequence === i + 1)).toBe(true)
      } finally {
        await server.stop()
      }
    },
    PROOF_MS,
  )
})
