import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { must, whole } from '../program.ts'
import { answersHttp, ServerProcess } from '../server-process.ts'
import { type Service, Unavailable } from '../service.ts'

/** Amazon's services, imitated: Moto. It keeps everything in memory, so what it had is gone when it is killed. */

const VERSION = '5.2.5'

const folderOf = (cache: string): string => join(cache, `moto-${VERSION}`)
const packagesOf = (cache: string): string => join(folderOf(cache), 'packages')

/** `addresses.aws` is the endpoint of every service. */
const service: Service = {
  name: 'moto',
  version: VERSION,
  ready: (cache) => existsSync(packagesOf(cache)) && Bun.which('python3') !== null,
  install: async (cache) => {
    if (Bun.which('python3') === null) throw new Unavailable('Python 3 is not installed')
    if (existsSync(packagesOf(cache))) return
    const words = ['python3', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    await whole(folderOf(cache), (folder) =>
      must([...words, '--target', join(folder, 'packages'), `moto[server]==${VERSION}`], { cwd: folder }),
    )
  },
  start: (cache, folder) => {
    const port = freePort()
    const aws = `http://127.0.0.1:${port}`
    return ServerProcess.start({
      words: ['python3', '-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
      folder,
      // Found by this and by nothing else: no environment of Python's is touched.
      env: { PYTHONPATH: packagesOf(cache), PYTHONDONTWRITEBYTECODE: '1' },
      addresses: { aws },
      answers: () => answersHttp(`${aws}/moto-api/data.json`),
    })
  },
}

export default service
