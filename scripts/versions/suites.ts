/** Which suite has the packages of which major version. */

import { join } from 'node:path'
import { Apt, ownMirror } from './apt.ts'
import type { Version } from './cache.ts'

interface Suite {
  suites: string[]
  components: string
  /** Debian has never released with 14 and 16; Ubuntu has. */
  ubuntu?: boolean
}

const SUITES: Readonly<Record<number, Suite>> = {
  13: { suites: ['bullseye'], components: 'main' },
  14: { suites: ['jammy', 'jammy-updates'], components: 'main universe', ubuntu: true },
  15: { suites: ['bookworm'], components: 'main' },
  16: { suites: ['noble', 'noble-updates'], components: 'main universe', ubuntu: true },
  17: { suites: ['trixie'], components: 'main' },
  18: { suites: ['sid'], components: 'main' },
  // What experimental does not have comes from sid.
  19: { suites: ['experimental', 'sid'], components: 'main' },
}

/**
 * Opens the suites of a version, for the processor that it is for.
 *
 * @throws with the reason why they cannot be had
 */
export async function openSuites({ major, system }: Version, folder: string): Promise<Apt> {
  const { suites, components, ubuntu } = SUITES[major] ?? { suites: [], components: '' }
  const debian = await ownMirror()
  if (!ubuntu) {
    return Apt.open(
      folder,
      suites.map((suite) => `deb ${debian} ${suite} ${components}`),
      system.debian,
    )
  }
  const mirror = process.env['UBUNTU_MIRROR']
  if (mirror === undefined)
    throw new Error(
      `no suite of Debian has ${major}; UBUNTU_MIRROR=URI names a mirror that does, or install postgresql-server-dev-${major} here`,
    )
  const keyring = await ubuntuKeyring(debian, `${folder}-keyring`)
  return Apt.open(
    folder,
    suites.map((suite) => `deb [signed-by=${keyring}] ${mirror} ${suite} ${components}`),
    system.debian,
  )
}

/** Ubuntu's signing keys, as Debian packages them. */
async function ubuntuKeyring(debian: string, folder: string): Promise<string> {
  const apt = await Apt.open(`${folder}.apt`, [`deb ${debian} trixie main`])
  await apt.unpack('ubuntu-keyring', folder)
  apt.close()
  return join(folder, 'usr/share/keyrings/ubuntu-archive-keyring.gpg')
}
