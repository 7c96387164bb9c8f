import { accountsOf } from '../../src/doctor/accounts.ts'
import type { Surroundings } from '../../src/doctor/surroundings.ts'
import { systemDisk } from '../../src/journal/disk.ts'
import { VERSION } from '../../src/version.ts'
import { listenerSnapshot, snapshotWith } from '../observe/snapshots.ts'

/** A machine on which nothing is wrong, as far as it can be made up. */

export const PASSWD = 'root:x:0:0::/root:/bin/sh\npostgres:x:70:71::/:/bin/sh\nada:x:1000:1000::/:/bin/sh\n'
export const GROUP = 'root:x:0:\npostgres:x:71:\nlogs:x:80:ada,postgres\n'

/** A listener that has seen nothing wrong. */
export const healthy = snapshotWith({
  version: VERSION,
  listener: listenerSnapshot({ refused: {} }),
  exporters: [],
})

/** Surroundings of a check, with what a test wants to be different. */
export function surroundings(differences: Partial<Surroundings> = {}): Surroundings {
  return {
    uid: 0,
    env: {},
    now: () => Date.now(),
    accounts: accountsOf(PASSWD, GROUP),
    socket: '/nonexistent/log.sock',
    journal: undefined,
    limits: { journalBytes: 4 * 1024 ** 3, freeBytes: 0, connections: 2000 },
    disk: systemDisk,
    status: { snapshot: healthy },
    configuration: { path: undefined, problems: [], secretFiles: [], holdsSecret: false },
    destinations: [],
    pgConfig: undefined,
    proc: '/proc',
    systemd: '/nonexistent',
    run: async () => undefined,
    ...differences,
  }
}

/** No listener answers. */
export const silent = { problem: 'no listener answers at "/nonexistent/log.sock.control"' } as const
