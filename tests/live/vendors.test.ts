import { afterAll, describe, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import { PROOF, PROOF_MS, prove } from './proof.ts'
import { RECEIVERS } from './receivers.ts'
import { connects, ServerProcess } from './server-process.ts'
import { storedIn } from './stored.ts'
import { withService } from './with-service.ts'

/** The compiled executable, and destinations that nobody can start here: each is a receiver that refuses what they refuse. */

const toxiproxy = await withService('toxiproxy')
const folder = mkdtempSync('/tmp/pgturret-receivers-')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const PROGRAM = join(import.meta.dir, 'receiver.ts')

describe.skipIf(toxiproxy.missing !== undefined).each(Object.keys(RECEIVERS))('%s', (name) => {
  test(
    PROOF,
    async () => {
      const { words, env, knowsAgain, patient } = RECEIVERS[name]!
      const port = freePort()
      const file = join(folder, `${name}.ndjson`)
      const server = await ServerProcess.start({
        words: [process.execPath, PROGRAM, name, String(port), file],
        folder,
        addresses: {},
        answers: () => connects(port),
      })
      try {
        await prove({
          name,
          toxiproxy: toxiproxy.running,
          upstream: `127.0.0.1:${port}`,
          words,
          env,
          server,
          patient,
          arrived: () => storedIn(file),
          ...(knowsAgain && { mostRepeats: 0 }),
        })
      } finally {
        await server.stop()
      }
    },
    PROOF_MS,
  )
})
