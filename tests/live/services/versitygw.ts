import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { buildGo, pathOf } from '../program.ts'
import { answersHttp, ServerProcess } from '../server-process.ts'
import type { Service } from '../service.ts'

/** An S3 server that keeps its objects as files: VersityGW. */

const PROGRAM = {
  package: 'github.com/versity/versitygw/cmd/versitygw',
  version: 'v1.8.0',
  name: 'versitygw',
}

/** The owner of everything in it. */
export const ROOT = { accessKey: 'pgturret-test', secretKey: 'pgturret-test-secret' } as const

/** A bucket that is there from the start. */
export const BUCKET = 'logs'

/** `addresses.s3` is its endpoint, `addresses.folder` where the bucket's objects are as files. */
const service: Service = {
  name: 'versitygw',
  version: PROGRAM.version,
  ready: (cache) => existsSync(pathOf(cache, PROGRAM)),
  install: async (cache) => void (await buildGo(cache, PROGRAM)),
  start: (cache, folder) => {
    const [objects, metadata] = [join(folder, 'objects'), join(folder, 'metadata')]
    for (const path of [join(objects, BUCKET), metadata]) mkdirSync(path, { recursive: true })
    const address = `127.0.0.1:${freePort()}`
    return ServerProcess.start({
      // Metadata beside the objects: not every file system under /tmp has extended attributes.
      words: [
        pathOf(cache, PROGRAM),
        '--port',
        address,
        '--health',
        '/health',
        '--quiet',
        'posix',
        '--sidecar',
        metadata,
        objects,
      ],
      folder,
      // In the environment, not on the command line, which everybody can read.
      env: { ROOT_ACCESS_KEY: ROOT.accessKey, ROOT_SECRET_KEY: ROOT.secretKey },
      addresses: { s3: `http://${address}`, folder: join(objects, BUCKET) },
      answers: () => answersHttp(`http://${address}/health`),
    })
  },
}

export default service
