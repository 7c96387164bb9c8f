/** What a message holds, by its untranslated format string. */
export const MessageKind = {
  /** Nothing but names and what the server says of itself. */
  Plain: 0,
  /** SQL, behind the first colon. */
  Statement: 1,
  /** SQL, behind the first colon that follows a number. */
  TimedStatement: 2,
  /** auto_explain's: a plan, with the statement in it. */
  Plan: 3,
  /** A piece of the statement in quotes: `syntax error at or near "%s"`. */
  Near: 4,
  /** Values, or what nobody can know: `invalid input syntax for type integer: "%s"`. */
  Values: 5,
  /** `deadlock detected`: statements stand in the detail. */
  Deadlock: 6,
  /** The end of a process: the statement that it ran may stand in the detail. */
  Ended: 7,
} as const

/** In front of `%s` or `"%s"`: what is put in is a name, and no value. */
const NAMES = new Set(
  `aggregate attribute class collation column configuration constraint conversion cursor database dictionary directory
  domain encoding extension family file function group index language library mapping method namespace operator option
  origin parameter parser partition policy portal procedure publication relation role routine rule savepoint schema
  sequence server slot statement subscription table tablespace trigger type user variable view worker wrapper`.split(
    /\s+/,
  ),
)

/** Messages of the server about itself, in which more than names is no value either: by the beginning of their format. */
const OWN = [
  'automatic analyze of ',
  'automatic aggressive vacuum ',
  'automatic vacuum of ',
  'checkpoint complete',
  'checkpoint starting',
  'connected to log listener ',
  'connection authenticated',
  'connection authorized',
  'connection received',
  'database system ',
  'disconnection: ',
  'listening on ',
  'pgturret: ',
  'process %d acquired ',
  'process %d detected ',
  'process %d still waiting ',
  'redo ',
  'replication connection authorized',
  'restartpoint complete',
  'restartpoint starting',
  'starting ',
  'temporary file: ',
]

/** The messages of a program are few; the bound is for peers that make them up. */
const MOST_KNOWN = 4096

interface Known {
  readonly format: Uint8Array
  readonly kind: number
}

/** By the hash of the format. */
const known = new Map<number, Known>()

/** The kind of a message by its format string, `bytes[start..end)`. Nearly always it is found without making a text of it. */
export function messageKind(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start
  for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0
  const found = known.get(hash)
  if (found !== undefined && isSame(found.format, bytes, start, end)) return found.kind
  const format = bytes.slice(start, end)
  const kind = kindOf(Buffer.from(format).toString('latin1'))
  if (found === undefined && known.size < MOST_KNOWN) known.set(hash, { format, kind })
  return kind
}

function isSame(format: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (format.length !== end - start) return false
  for (let i = 0; i < format.length; i++) if (format[i] !== bytes[start + i]) return false
  return true
}

function kindOf(format: string): number {
  if (format.startsWith('duration: ')) return durationKind(format)
  if (/^(?:statement: %s|execute .*: %s|%s %s%s%s: %s)$/.test(format)) return MessageKind.Statement
  if (/^%s at (?:or near "%s"|end of input)$/.test(format)) return MessageKind.Near
  if (format === 'deadlock detected') return MessageKind.Deadlock
  if (format.startsWith('%s (PID %d) ')) return MessageKind.Ended
  if (OWN.some((beginning) => format.startsWith(beginning))) return MessageKind.Plain
  return holdsNamesAlone(format) ? MessageKind.Plain : MessageKind.Values
}

function durationKind(format: string): number {
  if (/plan:\s*%s$/.test(format)) return MessageKind.Plan
  return /^duration: %\S+ ms$/.test(format) ? MessageKind.Plain : MessageKind.TimedStatement
}

const CONVERSION = /%(?:%|(?:\d+\$)?[-+ #0-9.*]*(?:hh|h|ll|l|z|j|t)?([a-zA-Z]))/g

/** Whether every text that is put into a format is a name. Numbers are sizes, limits, identifiers of the server's own. */
function holdsNamesAlone(format: string): boolean {
  for (const { 1: conversion, index } of format.matchAll(CONVERSION)) {
    if (conversion !== 's') continue
    const word = /([a-z]+)=?[ ]?["']?$/i.exec(format.slice(0, index))?.[1]
    if (word === undefined || !NAMES.has(word.toLowerCase())) return false
  }
  return true
}
