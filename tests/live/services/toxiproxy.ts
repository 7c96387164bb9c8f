import { existsSync } from 'node:fs'
import { freePort } from '../../support/free-port.ts'
import { buildGo, pathOf } from '../program.ts'
import { answersHttp, ServerProcess } from '../server-process.ts'
import type { Service } from '../service.ts'

/** A TCP proxy that is slow, cuts, or swallows what it is told to: Toxiproxy. */

const PROGRAM = {
  package: 'github.com/Shopify/toxiproxy/v2/cmd/server',
  version: 'v2.5.0',
  name: 'toxiproxy',
}

const service: Service = {
  name: 'toxiproxy',
  version: PROGRAM.version,
  quick: true,
  ready: (cache) => existsSync(pathOf(cache, PROGRAM)),
  install: async (cache) => void (await buildGo(cache, PROGRAM)),
  start: (cache, folder) => {
    const port = freePort()
    const api = `http://127.0.0.1:${port}`
    return ServerProcess.start({
      words: [pathOf(cache, PROGRAM), '-host', '127.0.0.1', '-port', String(port)],
      folder,
      addresses: { api },
      answers: () => answersHttp(`${api}/version`),
    })
  },
}

export default service

/** Something bad that happens to the bytes of one direction. */
export interface Toxic {
  /** `latency`, `timeout`, `bandwidth`, `reset_peer`, `slicer`, `limit_data`. */
  readonly type: string
  /** Towards the client, or towards the server. */
  readonly stream: 'downstream' | 'upstream'
  readonly attributes: Readonly<Record<string, number>>
}

/** One proxy of a Toxiproxy that runs. */
export class ToxicProxy {
  /** Where clients connect: `127.0.0.1:39000`. */
  readonly address: string
  readonly #url: string

  private constructor(url: string, address: string) {
    this.#url = url
    this.address = address
  }

  /**
   * @param upstream `127.0.0.1:9000`
   * @param listen where clients connect; by default a port that is free
   */
  static async create(
    api: string,
    name: string,
    upstream: string,
    listen = '127.0.0.1:0',
  ): Promise<ToxicProxy> {
    const made = await call(`${api}/proxies`, 'POST', { name, upstream, listen, enabled: true })
    return new ToxicProxy(`${api}/proxies/${name}`, (made as { listen: string }).listen)
  }

  /** Makes it bad, from now on. */
  async poison(name: string, toxic: Toxic): Promise<void> {
    await call(`${this.#url}/toxics`, 'POST', { name, toxicity: 1, ...toxic })
  }

  /** Makes it good again. */
  async cure(name: string): Promise<void> {
    await call(`${this.#url}/toxics/${name}`, 'DELETE')
  }

  /** Nobody listens, or somebody does. */
  async enable(enabled: boolean): Promise<void> {
    await call(this.#url, 'POST', { enabled })
  }
}

async function call(url: string, method: string, body?: object): Promise<unknown> {
  const response = await fetch(url, { method, ...(body && { body: JSON.stringify(body) }) })
  const text = await response.text()
  if (!response.ok) throw new Error(`toxiproxy answered ${response.status}: ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}
