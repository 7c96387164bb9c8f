import { afterAll, describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import { connectionOf, fitsHeader, httpOptions, httpProblem } from '../../src/config/http-options.ts'
import { makeCertificates } from '../support/certificates.ts'
import { configFolder } from './folder.ts'

const schema = z.object(httpOptions)
const files = makeCertificates()
const other = makeCertificates()
afterAll(() => {
  files.remove()
  other.remove()
})
const folder = configFolder()
const { paths } = files

describe('files of PEM', () => {
  test('are read at once', () => {
    const given = schema.parse({ tlsCa: paths.ca, tlsCert: paths.clientCert, tlsKey: paths.clientKey })
    expect(httpProblem(given)).toBeUndefined()
    expect(connectionOf(given).tls).toMatchObject({ ca: files.ca })
    expect(connectionOf(given).tls!.key).toContain('PRIVATE KEY')
    expect(JSON.stringify(given)).not.toContain('BEGIN')
  })

  test.each([
    [{ tlsCa: '/nowhere/ca.pem' }, 'could not read the file "/nowhere/ca.pem"'],
    [{ tlsCa: paths.clientKey }, 'holds no CERTIFICATE in PEM'],
    [{ tlsKey: paths.ca }, 'holds no PRIVATE KEY in PEM'],
    [{ proxy: 'socks5://h:1' }, 'expected the URL of a proxy'],
    [{ proxy: 'h:1' }, 'expected the URL of a proxy'],
  ])('%p is refused', (given, said) => {
    const { error } = schema.safeParse(given)
    expect(error!.issues[0]!.message).toContain(said)
  })

  test('that do not fit are found at start', () => {
    const problem = (given: object) => httpProblem(schema.parse(given))
    expect(problem({ tlsCert: paths.clientCert })).toContain('go together')
    expect(problem({ tlsKey: paths.clientKey })).toContain('go together')
    expect(problem({ tlsCert: paths.clientCert, tlsKey: other.paths.clientKey })).toContain('is not the one')
    expect(problem({ tlsCa: paths.ca, tlsInsecure: true })).toContain('give one of them')
    const broken = folder.path('broken.pem')
    writeFileSync(broken, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    expect(problem({ tlsCa: broken })).toContain('cannot be read as PEM')
  })
})

test('without any, nothing is said of TLS', () => {
  expect(connectionOf(schema.parse({}))).toEqual({ timeoutMs: 10_000, proxy: undefined, tls: undefined })
})

test.each([
  ['plain', true],
  ['tab\tand ü', true],
  ['line\nend', false],
  ['漢', false],
  ['', false],
])('a header holds %p: %p', (value, fits) => {
  expect(fitsHeader(value)).toBe(fits)
})
