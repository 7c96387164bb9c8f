import { Cluster } from '../../../scripts/postgres/cluster.ts'
import { installation } from '../../../scripts/postgres/installation.ts'
import { type Service, Unavailable } from '../service.ts'

/** PostgreSQL: the one that the rest of the tests run on, as a destination. `addresses.folder` has its unix socket. */
const service: Service = {
  name: 'postgres',
  quick: true,
  ready: () => found() === undefined,
  install: async () => {
    const missing = found()
    if (missing !== undefined) throw new Unavailable(missing)
  },
  start: async () => {
    const cluster = await Cluster.create({ tcp: true })
    await cluster.start()
    return {
      get pid() {
        return cluster.postmasterPid
      },
      addresses: { postgres: `127.0.0.1:${cluster.port}`, folder: cluster.socketDir },
      kill: () => cluster.kill9(),
      restart: () => (cluster.isRunning ? cluster.restart() : cluster.start()),
      stop: () => cluster.remove(),
    }
  },
}

export default service

/** Why there is none; undefined when there is one. */
function found(): string | undefined {
  try {
    installation()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
