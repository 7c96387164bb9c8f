import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A CA of a test's own, with a server's and a client's certificate; and another CA, which signed neither. */
export interface CertificateFolder {
  /** PEM. */
  readonly ca: string
  /** PEM, for `localhost`, 127.0.0.1 and ::1. */
  readonly server: { readonly cert: string; readonly key: string }
  /** Where the files are. */
  readonly paths: Readonly<
    Record<'ca' | 'otherCa' | 'serverCert' | 'serverKey' | 'clientCert' | 'clientKey', string>
  >
  remove(): void
}

const NAMES = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1'

/** Makes them anew, by openssl: no key is kept in the repository. */
export function makeCertificates(): CertificateFolder {
  const folder = mkdtempSync(join(tmpdir(), 'pgturret-certificates-'))
  const at = (name: string): string => join(folder, name)
  const read = (name: string): string => readFileSync(at(name), 'utf8')
  authority(at('ca'))
  authority(at('other'))
  signed(at('server'), '/CN=localhost', at('ca'), NAMES)
  signed(at('client'), '/CN=pgturret', at('ca'), 'extendedKeyUsage=clientAuth')
  return {
    ca: read('ca.pem'),
    server: { cert: read('server.pem'), key: read('server.key') },
    paths: {
      ca: at('ca.pem'),
      otherCa: at('other.pem'),
      serverCert: at('server.pem'),
      serverKey: at('server.key'),
      clientCert: at('client.pem'),
      clientKey: at('client.key'),
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

function authority(path: string): void {
  const subject = `/CN=pgturret test CA ${path.endsWith('other') ? 2 : 1}`
  openssl(
    'req',
    '-x509',
    ...NEW_KEY,
    '-keyout',
    `${path}.key`,
    '-out',
    `${path}.pem`,
    '-subj',
    subject,
    '-days',
    '2',
  )
}

function signed(path: string, subject: string, ca: string, extension: string): void {
  openssl('req', ...NEW_KEY, '-keyout', `${path}.key`, '-out', `${path}.csr`, '-subj', subject)
  writeFileSync(`${path}.ext`, `${extension}\n`)
  const by = ['-CA', `${ca}.pem`, '-CAkey', `${ca}.key`, '-CAcreateserial']
  openssl(
    'x509',
    '-req',
    '-in',
    `${path}.csr`,
    ...by,
    '-out',
    `${path}.pem`,
    '-days',
    '2',
    '-extfile',
    `${path}.ext`,
  )
}

function openssl(...words: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(['openssl', ...words], { stderr: 'pipe' })
  if (exitCode !== 0) throw new Error(`openssl ${words[0]} ended with ${exitCode}: ${stderr}`)
}
