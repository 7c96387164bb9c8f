import { describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { conformance } from '../exporters/conformance.ts'
import { onStage } from '../exporters/conformance/stage.ts'
import type { ExporterFlags, Harness, Received, Subject, Target } from '../exporters/conformance.ts'
import { BUCKET, ROOT } from './services/versitygw.ts'
import { withService } from './with-service.ts'

/** The s3 destination against a real S3 server, which keeps its objects as files. */

const gateway = await withService('versitygw')

const flags = (): ExporterFlags => ({
  endpoint: gateway.running.addresses['s3']!,
  pathStyle: true,
  accessKeyId: ROOT.accessKey,
  secretAccessKey: ROOT.secretKey,
})

let prefixes = 0

/** Objects of one prefix of the bucket. */
class Folder implements Harness {
  readonly prefix = `case-${prefixes++}`
  readonly path = join(gateway.running.addresses['folder']!, this.prefix)

  target(): Target {
    return { to: `s3://${BUCKET}/${this.prefix}`, options: flags() }
  }

  /** Keys below the prefix, in the order in which they were stored. */
  keys(): string[] {
    const found = readdirSync(this.path, { recursive: true, encoding: 'utf8' })
    return found.filter((one) => one.includes('.ndjson')).sort()
  }

  lines(): Record<string, unknown>[] {
    return this.keys().flatMap((key) => {
      const bytes = readFileSync(join(this.path, key))
      const text = key.endsWith('.zst') ? Buffer.from(Bun.zstdDecompressSync(bytes)) : key.endsWith('.gz') ? gunzipSync(bytes) : bytes
      return text.toString().trimEnd().split('\n').map((line) => JSON.parse(line))
    })
  }

  received(): Received[] {
    try {
      return this.lines().map((one) => ({ message: String(one['message']), detail: one['detail'] as string | undefined }))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }

  kill(): Promise<void> {
    return gateway.running.kill()
  }

  restart(): Promise<void> {
    return gateway.running.restart()
  }

  async stop(): Promise<void> {
    await gateway.running.restart()
    rmSync(this.path, { recursive: true, force: true })
  }
}

const subject: Subject = { exporter: 's3', start: async () => new Folder() }

const CANNOT = 'a real server cannot be told to'
const NO_TLS = 'the server speaks no TLS here'

conformance({
  ...subject,
  unavailable: gateway.missing,
  skips: {
    'refused in part': CANNOT,
    'to be sent again in part': CANNOT,
    'refused for good': CANNOT,
    'too large is split': CANNOT,
    'blocked holds': CANNOT,
    'busy is waited for': CANNOT,
    'Retry-After is honoured': CANNOT,
    'told to stop, it stops': CANNOT,
    'secrets are shown nowhere': 'its secret is its own',
    'TLS with a private CA': NO_TLS,
    'another CA is refused': NO_TLS,
    'mutual TLS': NO_TLS,
    HTTPS_PROXY: NO_TLS,
  },
})
