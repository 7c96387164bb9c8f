import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeCertificates } from '../../support/certificates.ts'
import { freePort } from '../../support/free-port.ts'
import { must, whole } from '../program.ts'
import { answersHttp, ServerProcess } from '../server-process.ts'
import { type Running, type Service, Unavailable } from '../service.ts'

/** What it is to do with requests. */
export interface NginxOptions {
  /** Where requests are passed on to; without it each is answered with 204. */
  readonly upstream?: string
}

/** Certificates are in `addresses`, too: `ca`, `clientCert`, `clientKey` are paths of PEM files. */
export interface RunningNginx extends Running {
  readonly addresses: Readonly<
    Record<'http' | 'tls' | 'mtls' | 'ca' | 'otherCa' | 'clientCert' | 'clientKey', string>
  >
}

/** nginx in front of something: plain, with TLS by a private CA, and with TLS that wants a certificate of the client. */
export function nginxService(options: NginxOptions = {}): Service {
  return {
    name: 'nginx',
    quick: true,
    ready,
    install,
    start: (cache, folder) => start(cache, folder, options),
  }
}

export default nginxService()

const unpacked = (cache: string): string => join(cache, 'nginx')

/** The one of the machine, or the one in the cache. */
function programOf(cache: string): string | undefined {
  const own = join(unpacked(cache), 'usr/sbin/nginx')
  return existsSync(own)
    ? own
    : (Bun.which('nginx', { PATH: `${process.env['PATH']}:/usr/sbin` }) ?? undefined)
}

function ready(cache: string): boolean {
  return programOf(cache) !== undefined
}

/** The package is unpacked, not installed: installing it would start a server. */
async function install(cache: string): Promise<void> {
  if (ready(cache)) return
  for (const program of ['apt-get', 'dpkg-deb'])
    if (Bun.which(program) === null)
      throw new Unavailable(`nginx is not installed, and there is no ${program} to get it with`)
  await whole(unpacked(cache), async (folder) => {
    await must(['apt-get', 'download', 'nginx'], { cwd: folder })
    const found = readdirSync(folder).find((name) => name.endsWith('.deb'))
    if (found === undefined) throw new Unavailable('apt-get downloaded no package')
    await must(['dpkg-deb', '-x', found, '.'], { cwd: folder })
  })
}

async function start(cache: string, folder: string, options: NginxOptions): Promise<Running> {
  const [plain, tls, mutual] = [freePort(), freePort(), freePort()]
  const { paths, remove } = makeCertificates()
  mkdirSync(join(folder, 'tmp'), { recursive: true })
  const config = join(folder, 'nginx.conf')
  writeFileSync(config, configOf({ plain, tls, mutual, paths, options }))
  const http = `http://127.0.0.1:${plain}`
  const server = await ServerProcess.start({
    // One process: a killed master would leave workers that go on answering.
    words: [
      programOf(cache)!,
      '-p',
      folder,
      '-c',
      config,
      '-e',
      'error.log',
      '-g',
      'daemon off; master_process off;',
    ],
    folder,
    addresses: {
      http,
      tls: `https://127.0.0.1:${tls}`,
      mtls: `https://127.0.0.1:${mutual}`,
      ca: paths.ca,
      otherCa: paths.otherCa,
      clientCert: paths.clientCert,
      clientKey: paths.clientKey,
    },
    answers: () => answersHttp(`${http}/`),
  })
  return {
    addresses: server.addresses,
    get pid() {
      return server.pid
    },
    kill: () => server.kill(),
    restart: () => server.restart(),
    stop: async () => {
      await server.stop()
      remove()
    },
  }
}

interface Layout {
  readonly plain: number
  readonly tls: number
  readonly mutual: number
  readonly paths: ReturnType<typeof makeCertificates>['paths']
  readonly options: NginxOptions
}

function configOf({ plain, tls, mutual, paths, options }: Layout): string {
  const place =
    options.upstream === undefined
      ? 'return 204;'
      : `proxy_pass ${options.upstream}; proxy_request_buffering off;`
  const certificate = `ssl_certificate ${paths.serverCert}; ssl_certificate_key ${paths.serverKey};`
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path tmp/${kind};`,
  )
  return `pid nginx.pid;
events {}
http {
  access_log off;
  client_max_body_size 64m;
  ${temporary.join(' ')}
  server { listen 127.0.0.1:${plain}; location / { ${place} } }
  server { listen 127.0.0.1:${tls} ssl; ${certificate} location / { ${place} } }
  server {
    listen 127.0.0.1:${mutual} ssl; ${certificate}
    ssl_client_certificate ${paths.ca}; ssl_verify_client on;
    location / { ${place} }
  }
}
`
}
