import { expect } from 'bun:test'
import { type CertificateFolder, makeCertificates } from '../../support/certificates.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { type ConformanceStage, onStage } from './stage.ts'
import type { ExporterFlags, Subject, TlsPaths } from './subject.ts'

/** Certificates of a CA that only the options know. */

const DEFAULT = ({ ca, cert, key }: TlsPaths): ExporterFlags => ({
  tlsCa: ca,
  ...(cert !== undefined && { tlsCert: cert }),
  ...(key !== undefined && { tlsKey: key }),
})

interface Case {
  /** Which files the client has. */
  readonly has: (files: CertificateFolder) => TlsPaths
  /** Whether the server wants to see the client's certificate. */
  readonly mutual?: boolean
  readonly works: boolean
}

async function withTls(subject: Subject, { has, mutual = false, works }: Case): Promise<void> {
  const files = makeCertificates()
  const { cert, key } = files.server
  const serving = { tls: { cert, key, clientCa: mutual ? files.ca : undefined } }
  const flags = (subject.tlsOptions ?? DEFAULT)(has(files))
  try {
    await onStage(subject, works ? arrives : refused, { serving, flags })
  } finally {
    files.remove()
  }
}

async function arrives(stage: ConformanceStage): Promise<void> {
  stage.say('under seal')
  await stage.settled()
  expect(await stage.messages(1)).toEqual(['under seal'])
}

/** Nothing is sent to a server that cannot prove who it is, or that does not know us; the records are kept. */
async function refused(stage: ConformanceStage): Promise<void> {
  stage.say('kept')
  await waitUntil(
    () => stage.delivery.stats.retried,
    (retried) => retried > 1,
    'attempts in vain',
  )
  expect(await stage.harness.received()).toEqual([])
  expect(stage.delivery.stats).toMatchObject({ delivered: 0, rejected: 0, dropped: 0 })
}

export const privateCa = (subject: Subject) =>
  withTls(subject, { has: ({ paths }) => ({ ca: paths.ca }), works: true })

export const otherCa = (subject: Subject) =>
  withTls(subject, { has: ({ paths }) => ({ ca: paths.otherCa }), works: false })

export async function mutual(subject: Subject): Promise<void> {
  const client = ({ paths }: CertificateFolder) => ({
    ca: paths.ca,
    cert: paths.clientCert,
    key: paths.clientKey,
  })
  await withTls(subject, { has: client, mutual: true, works: true })
  await withTls(subject, { has: ({ paths }) => ({ ca: paths.ca }), mutual: true, works: false })
}
