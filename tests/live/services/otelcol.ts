import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { buildGo, type GoProgram, go, must, whole } from '../program.ts'
import { answersHttp, ServerProcess } from '../server-process.ts'
import type { Service } from '../service.ts'

/**
 * A real OpenTelemetry Collector: receives OTLP by gRPC and HTTP, and writes what it has understood to a file, a JSON
 * object for each request.
 *
 * The newest release of which the module proxy has every part; receivers of other vendors' protocols it has not.
 */

const VERSION = 'v0.161.0'

const BUILDER: GoProgram = {
  package: 'go.opentelemetry.io/collector/cmd/builder',
  version: VERSION,
  name: 'ocb',
}

const CONTRIB = 'github.com/open-telemetry/opentelemetry-collector-contrib'

const MANIFEST = `dist:
  name: otelcol
  output_path: .
  version: ${VERSION.slice(1)}
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver ${VERSION}
exporters:
  - gomod: go.opentelemetry.io/collector/exporter/debugexporter ${VERSION}
  - gomod: ${CONTRIB}/exporter/fileexporter ${VERSION}
`

const programOf = (cache: string): string => join(cache, `otelcol-${VERSION}`, 'otelcol')

/** `addresses.grpc` and `addresses.http` take OTLP; `addresses.file` is where it ends up. */
const service: Service = {
  name: 'otelcol',
  version: VERSION,
  ready: (cache) => existsSync(programOf(cache)),
  install: async (cache) => {
    if (existsSync(programOf(cache))) return
    const builder = await buildGo(cache, BUILDER)
    await whole(join(programOf(cache), '..'), async (folder) => {
      writeFileSync(join(folder, 'manifest.yaml'), MANIFEST)
      await must([builder, '--config', 'manifest.yaml', '--skip-compilation'], { cwd: folder })
      await go(['build', '-o', 'otelcol', '.'], folder)
    })
  },
  start: (cache, folder) => {
    const [grpc, http] = [`127.0.0.1:${freePort()}`, `127.0.0.1:${freePort()}`]
    const file = join(folder, 'received.ndjson')
    writeFileSync(file, '')
    writeFileSync(join(folder, 'config.yaml'), configOf({ grpc, http, file }))
    return ServerProcess.start({
      words: [programOf(cache), '--config', 'config.yaml'],
      folder,
      addresses: { grpc, http: `http://${http}`, file },
      answers: () => answersHttp(`http://${http}/`),
    })
  },
}

export default service

const configOf = (at: { grpc: string; http: string; file: string }): string => `receivers:
  otlp:
    protocols:
      grpc: { endpoint: "${at.grpc}", max_recv_msg_size_mib: 16 }
      http: { endpoint: "${at.http}" }
exporters:
  # Rotated, it is written without a buffer: what was answered is there, also after SIGKILL.
  file: { path: "${at.file}", rotation: { max_megabytes: 4000 } }
service:
  telemetry:
    metrics: { level: none }
  pipelines:
    logs: { receivers: [otlp], exporters: [file] }
    traces: { receivers: [otlp], exporters: [file] }
`
