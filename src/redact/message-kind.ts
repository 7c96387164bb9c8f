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
  '%s (PID %d) ',
]

/** The messages of a program are few; the bound is for peers that make them up. */
const MOST_KNOWN = 4096
const known = new Map<string, number>()

/** The kind of a message by its format string. */
export function messageKind(format: string): number {
  let kind = known.get(format)
  if (kind === undefined) {
    kind = kindOf(format)
    if (known.size < MOST_KNOWN) known.set(format, kind)
  }
  return kind
}

function kindOf(format: string): number {
  if (format.startsWith('duration: ')) return durationKind(format)
  if (/^(?:statement: %s|execute .*: %s|%s %s%s%s: %s)$/.test(format)) return MessageKind.Statement
  if (/^%s at (?:or near "%s"|end of input)$/.test(format)) return MessageKind.Near
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
