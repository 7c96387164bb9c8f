import { describe, expect, test } from 'bun:test'
import { hostAndPort, parseKafkaUrl } from '../../src/kafka/address.ts'

describe('a Kafka URL', () => {
  test('names several brokers, with a default port', () => {
    const url = parseKafkaUrl('kafka://a.example:9093,b.example,[::1]:19092/pg-logs')
    expect(url.brokers).toEqual(['a.example:9093', 'b.example:9092', '[::1]:19092'])
    expect(url.topic).toBe('pg-logs')
    expect(url.tls).toBe(false)
  })

  test('may have a user, a password, and TLS', () => {
    const url = parseKafkaUrl('kafkas://me:p%40ss%3A@broker/t?x=1')
    expect(url).toMatchObject({ user: 'me', password: 'p@ss:', tls: true, topic: 't' })
    expect([...url.query]).toEqual([['x', '1']])
    expect(parseKafkaUrl('kafka://me@broker').password).toBeUndefined()
  })

  for (const wrong of [
    'kafka://',
    'kafka:///topic',
    'kafka://a,,b/t',
    'kafka://a:0/t',
    'kafka://a:70000/t',
    'http://a/t',
    'kafka://u:%zz@a/t',
  ]) {
    test(`${wrong} is none`, () => {
      expect(() => parseKafkaUrl(wrong)).toThrow()
    })
  }

  test('what is wrong with one is said without its password', () => {
    let message = ''
    try {
      parseKafkaUrl('kafka://me:hunter2@a b/t')
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).not.toBe('')
    expect(message).not.toContain('hunter2')
  })

  test('addresses come apart', () => {
    expect(hostAndPort('[::1]:9092')).toEqual({ host: '::1', port: 9092 })
  })
})
