import { expect, test } from 'bun:test'
import { AwsSigner } from '../../src/aws/signer.ts'
import { BlockedError } from '../../src/errors.ts'
import { calm } from '../exporters/batches.ts'

/** By the vectors that Amazon has published for signers: credentials, time and scope are those of its test suite. */

const CREDENTIALS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}
const SCOPE = {
  region: 'us-east-1',
  service: 'service',
  hashHeader: false,
  now: () => new Date('2015-08-30T12:36:00Z'),
}

const signed = async (method: string, path: string, given = CREDENTIALS) => {
  const signer = new AwsSigner({ given }, SCOPE)
  const url = new URL(`https://example.amazonaws.com${path}`)
  return signer.sign({ method, url, headers: {}, body: new Uint8Array() }, await signer.credentials(calm))
}

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
  const headers = await signed(method, path)
  expect(headers['authorization']).toBe(authorization(signature))
  expect(headers['x-amz-date']).toBe('20150830T123600Z')
  expect(headers).not.toHaveProperty('host')
})

test('a session token is sent', async () => {
  const headers = await signed('POST', '/', { ...CREDENTIALS, sessionToken: 'for-a-while' } as never)
  expect(headers['x-amz-security-token']).toBe('for-a-while')
})

test('no credentials at all are for a person to mend', async () => {
  const signer = new AwsSigner({ profile: 'nobody-has-this-one' }, SCOPE)
  expect(await signer.credentials(calm).catch((error: unknown) => error)).toBeInstanceOf(BlockedError)
})
