import { expect, test } from 'bun:test'
import { BlockedError } from '../../src/errors.ts'
import { awsSigner } from '../../src/http/aws-signature.ts'

/** By the vectors that Amazon has published for signers: credentials, time and scope are those of its test suite. */

const CREDENTIALS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}
const SCOPE = { region: 'us-east-1', service: 'service' }
const NOW = () => new Date('2015-08-30T12:36:00Z')

const signer = () => awsSigner(SCOPE, async () => CREDENTIALS, NOW)

const authorization = (signature: string, names = 'host;x-amz-date') =>
  `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${names}, Signature=${signature}`

test.each([
  ['get-vanilla', 'GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['post-vanilla', 'POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  [
    'get-vanilla-query-order-key-case',
    'GET',
    '/?Param2=value2&Param1=value1',
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
])('%p', async (_, method, path, signature) => {
  const one = await signer()
  const url = `https://example.amazonaws.com${path}`
  const headers = await one.sign({ method, url, headers: {}, body: new Uint8Array() })
  expect(headers['authorization']).toBe(authorization(signature))
  expect(headers['x-amz-date']).toBe('20150830T123600Z')
  expect(headers).not.toHaveProperty('host')
  expect(one.secrets).toContain(CREDENTIALS.secretAccessKey)
})

test('a session token is sent, and is a secret', async () => {
  const one = await awsSigner(SCOPE, async () => ({ ...CREDENTIALS, sessionToken: 'for-a-while' }), NOW)
  const headers = await one.sign({
    method: 'POST',
    url: 'https://example.amazonaws.com/',
    headers: {},
    body: new Uint8Array(),
  })
  expect(headers['x-amz-security-token']).toBe('for-a-while')
  expect(one.secrets).toContain('for-a-while')
})

test('no credentials at all are for a person to mend', async () => {
  const none = Object.assign(new Error('none there'), { name: 'CredentialsProviderError' })
  const one = await awsSigner(SCOPE, () => Promise.reject(none))
  const signing = one.sign({ method: 'POST', url: 'https://h/', headers: {}, body: new Uint8Array() })
  expect(await signing.catch((error: unknown) => error)).toBeInstanceOf(BlockedError)
})
