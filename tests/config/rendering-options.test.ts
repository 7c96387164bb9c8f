import { describe, expect, test } from 'bun:test'
import { readOptions } from '../../src/config/options.ts'
import { renderingOptions } from '../../src/config/rendering-options.ts'

function read(flags: Record<string, string>): { value: unknown; problems: string[] } {
  const problems: string[] = []
  const value = readOptions(renderingOptions, { flags, env: {} }, problems)
  return { value, problems }
}

describe('--fields', () => {
  test('are keys with commas between', () => {
    expect(read({ fields: 'pid, message,user' }).value).toEqual({ fields: ['pid', 'message', 'user'] })
  })

  test.each([
    ['mesage', 'there is no key "mesage"; did you mean message?'],
    ['pid,pid', '"pid" is there twice'],
    ['pid,,user', 'expected keys with commas between, such as timestamp,error_severity,message'],
    ['', 'expected keys with commas between, such as timestamp,error_severity,message'],
    ['usr,constructor', 'there is no key "usr"; did you mean user?; there is no key "constructor"'],
  ])('%p is refused', (fields, message) => {
    expect(read({ fields })).toEqual({ value: undefined, problems: [`--fields: ${message}`] })
  })
})

describe('--template', () => {
  test.each(['{message}', '{message:json}', '{{{pid}}}', 'a\\tb\\\\\\n\\e', 'x'])(
    '%p is taken',
    (template) => {
      expect(read({ template }).value).toEqual({ template })
    },
  )

  test.each([
    ['{mesage}', 'there is no key "mesage"; did you mean message?'],
    ['{}', 'there is no key ""'],
    ['{message:yaml}', '"{message:yaml}" means nothing; there are {message} and {message:json}'],
    ['{message', 'a { stands alone; write {{ for one'],
    ['message}', 'a } stands alone; write }} for one'],
    ['a\\', 'it ends in a single \\; write \\\\ for one'],
    ['\\x', '"\\x" means nothing; there are \\n \\t \\e \\\\'],
    ['', 'expected a text such as "{timestamp} {message}"'],
  ])('%p is refused', (template, message) => {
    expect(read({ template }).problems).toEqual([`--template: ${message}`])
  })
})

test('--log-line-prefix takes what a record can tell', () => {
  expect(read({ logLinePrefix: '%m [%p] %q%-10u ' }).problems).toEqual([])
  expect(read({ logLinePrefix: '%m %L ' }).problems[0]).toStartWith(
    '--log-line-prefix: "%L" is nothing that a record can tell; there are %a %b',
  )
})

test('--time and --log-error-verbosity are choices', () => {
  expect(read({ time: 'moon', logErrorVerbosity: 'loud' }).problems).toEqual([
    '--time: expected one of server, utc, local, relative, got "moon"',
    '--log-error-verbosity: expected one of terse, default, verbose, got "loud"',
  ])
})
