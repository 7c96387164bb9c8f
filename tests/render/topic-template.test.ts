import { describe, expect, test } from 'bun:test'
import { TopicTemplate, topicName, topicProblem } from '../../src/render/topic-template.ts'

describe('a template', () => {
  for (const right of ['pg-logs', 'pg-logs-{identity}', '{database}.{severity}', 'a_b.c-D9'])
    test(`${right} can be used`, () => expect(topicProblem(right)).toBeUndefined())
  for (const wrong of ['', '.', '..', 'pg logs', 'pg/logs', '{user}', '{identity', 'ä', 'x'.repeat(250)])
    test(`${JSON.stringify(wrong)} cannot`, () => expect(topicProblem(wrong)).toBeString())
  test('without names is the same for all records', () => {
    expect(new TopicTemplate('pg-logs').fixed).toBe('pg-logs')
    expect(new TopicTemplate('pg-{identity}').fixed).toBeUndefined()
  })
})

test('a name holds only what a topic may', () => {
  expect(topicName('pg-é/1 ü')).toBe('pg-__1__')
  expect(topicName('..')).toBe('.._')
  expect(topicName('')).toBe('_')
  expect(topicName('x'.repeat(300))).toHaveLength(249)
})
