import { expect } from 'bun:test'
import { makeCertificates } from '../../support/certificates.ts'
import { ForwardProxy } from '../../support/forward-proxy.ts'
import { onStage } from './stage.ts'
import type { ExporterFlags, Serving, Subject } from './subject.ts'

/** A proxy that the environment names is used, unless the environment says not to. */

interface Case {
  readonly env: (proxy: string) => Readonly<Record<string, string>>
  readonly serving?: Serving
  readonly flags?: ExporterFlags
  /** Whether it goes through the proxy. */
  readonly proxied: boolean
}

async function withProxy(subject: Subject, { env, serving, flags, proxied }: Case): Promise<void> {
  const proxy = await ForwardProxy.start()
  const names = Object.entries(env(proxy.url))
  for (const [name, value] of names) process.env[name] = value
  try {
    await onStage(
      subject,
      async (stage) => {
        stage.say('by the way')
        await stage.settled()
        expect(await stage.messages(1)).toEqual(['by the way'])
        expect(proxy.requests > 0).toBe(proxied)
      },
      { ...(serving && { serving }), ...(flags && { flags }) },
    )
  } finally {
    for (const [name] of names) delete process.env[name]
    await proxy.stop()
  }
}

export const http = (subject: Subject) =>
  withProxy(subject, { env: (proxy) => ({ HTTP_PROXY: proxy }), proxied: true })

export async function https(subject: Subject): Promise<void> {
  const files = makeCertificates()
  const flags = subject.tlsOptions?.({ ca: files.paths.ca }) ?? { tlsCa: files.paths.ca }
  try {
    const serving = { tls: files.server }
    await withProxy(subject, { env: (proxy) => ({ HTTPS_PROXY: proxy }), serving, flags, proxied: true })
  } finally {
    files.remove()
  }
}

export const none = (subject: Subject) =>
  withProxy(subject, {
    env: (proxy) => ({ HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: 'localhost,127.0.0.1' }),
    proxied: false,
  })
