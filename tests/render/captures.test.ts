import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { makeEncoder } from '../../src/render/make-encoder.ts'
import { eachRecord } from '../record/records.ts'
import { encoded } from './encoded.ts'

/** What the formats make of bytes that the unmodified pg_logfebe sent under PostgreSQL 15.20. */

function rendered(connection: number, format: 'pretty' | 'json' | 'prototext'): string[] {
  const path = new URL(`../fixtures/captures/pg_logfebe-15-conn${connection}.febe`, import.meta.url)
  const encoder = makeEncoder(format, { color: false })
  const texts: string[] = []
  eachRecord(readFileSync(path), (record) => texts.push(encoded(encoder, record)))
  return texts
}

describe('prototext', () => {
  test('of a session, byte by byte', () => {
    expect(rendered(1, 'prototext')[2]).toBe(
      'LogTime="2026-11-21 02:11:43.524 UTC" UserName=["postgres"] DatabaseName=["postgres"] Pid=12705' +
        ' ClientAddr=["[local]"] SessionId="6b00fddf.31a1" SeqNum=3 PsDisplay=["CREATE DATABASE"]' +
        ' SessionStart="2026-11-21 02:11:43 UTC" Vxid=["3/0"] Txid=0 ELevel=15 SQLState=["00000"]' +
        ` ErrMessage=["duration: 60.675 ms  statement: create database l1 encoding 'LATIN1' locale 'C' template template0"]` +
        ' ErrDetail=NULL ErrHint=NULL InternalQuery=NULL InternalQueryPos=-1 ErrContext=NULL UserQuery=NULL' +
        ' UserQueryPos=-1 FileErrPos=NULL ApplicationName=["psql"]\n',
    )
  })

  test('of a byte that is not UTF-8, and of a tab', () => {
    expect(rendered(4, 'prototext')[2]).toContain(
      `ErrMessage=["duration: 0.205 ms  statement: select '\\xe9'"]`,
    )
    expect(rendered(5, 'prototext')[2]).toContain(`statement: select 'x\\ty'"]`)
  })
})

test('pretty', () => {
  expect(rendered(4, 'pretty').join('')).toBe(
    `── 2026-11-21 UTC
02:11:44.058 LOG     [local] 12711 connection received: host=[local]
02:11:44.059 LOG     postgres@l1 12711 connection authorized: user=postgres database=l1 application_name=psql
02:11:44.064 LOG     postgres@l1 12711 duration: 0.205 ms  statement: select '\ufffd'
02:11:44.064 LOG     postgres@l1 12711 duration: 0.161 ms  statement: select length(E'\\xe9')
02:11:44.064 LOG     postgres@l1 12711 disconnection: session time: 0:00:00.006 user=postgres database=l1 host=[local]
`,
  )
})

test.each([1, 4, 5])('json is a line for each record of connection %d', (connection) => {
  const lines = rendered(connection, 'json')
  expect(lines.length).toBe(rendered(connection, 'prototext').length)
  for (const line of lines) {
    expect(line.indexOf('\n')).toBe(line.length - 1)
    expect(JSON.parse(line).error_severity).toBe('LOG')
  }
})
