import { readSync } from 'node:fs'
import type { RecordStart } from './render/record-start.ts'

/** Finds the record that a killed process left unfinished at the end of a file. */

/** Lines are looked for backwards, in steps. */
const STEP_BYTES = 64 * 1024
/** How far back quotes are counted: from the first record in there that can be told. */
const QUOTED_BYTES = 16 * 1024 * 1024

const NEWLINE = 0x0a
const TAB = 0x09
const QUOTE = 0x22
const ZERO = 0x30

/** How a file ends. */
export type FileEnd =
  /** With a whole record, or with nothing. */
  | { readonly kind: 'whole' }
  /** With a record that begins `at` an offset, and is not finished. */
  | { readonly kind: 'torn'; readonly at: number }
  /** With a line that is not ours, without its line end. */
  | { readonly kind: 'foreign' }

/**
 * Looks at the end of a file.
 *
 * @param fd open for reading
 * @param start how records begin; undefined: nothing is known to be ours
 */
export function fileEnd(fd: number, size: number, start: RecordStart | undefined): FileEnd {
  if (start?.lines === 'quoted') return quotedEnd(fd, size, start.mask)
  let line = lineStart(fd, size)
  if (line === size) return { kind: 'whole' }
  if (start?.lines === 'tabbed')
    while (line > 0 && readBytes(fd, line, 1)[0] === TAB) line = lineStart(fd, line - 1)
  return start !== undefined && begins(fd, line, size, start.mask) ? { kind: 'torn', at: line } : foreign
}

const foreign: FileEnd = { kind: 'foreign' }

/** Where the line begins that ends at `end`; `end` itself when a line end stands before it. */
function lineStart(fd: number, end: number): number {
  for (let to = end; to > 0; ) {
    const from = Math.max(0, to - STEP_BYTES)
    const found = readBytes(fd, from, to - from).lastIndexOf(NEWLINE)
    if (found >= 0) return from + found + 1
    to = from
  }
  return 0
}

/** Line ends between quotes end no record, so quotes are counted from a record before. */
function quotedEnd(fd: number, size: number, mask: string): FileEnd {
  const from = Math.max(0, size - QUOTED_BYTES)
  const bytes = readBytes(fd, from, size - from)
  let record = from === 0 ? 0 : firstRecord(bytes, mask)
  let quoted = false
  for (let at = record; at < bytes.length; at++) {
    if (bytes[at] === QUOTE) quoted = !quoted
    else if (bytes[at] === NEWLINE && !quoted) record = at + 1
  }
  if (record >= bytes.length) return { kind: 'whole' }
  if (matches(bytes.subarray(record), mask)) return { kind: 'torn', at: from + record }
  return bytes.at(-1) === NEWLINE ? { kind: 'whole' } : foreign
}

function firstRecord(bytes: Uint8Array, mask: string): number {
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
    if (matches(bytes.subarray(at + 1), mask)) return at + 1
  }
  return bytes.length
}

const begins = (fd: number, at: number, size: number, mask: string): boolean =>
  matches(readBytes(fd, at, Math.min(mask.length, size - at)), mask)

/** Whether bytes begin as the mask says, as far as there are any. */
function matches(bytes: Uint8Array, mask: string): boolean {
  const length = Math.min(bytes.length, mask.length)
  for (let i = 0; i < length; i++) {
    const wanted = mask.charCodeAt(i)
    const byte = bytes[i]!
    if (wanted === ZERO ? byte < ZERO || byte > 0x39 : byte !== wanted) return false
  }
  return true
}

function readBytes(fd: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  return bytes.subarray(0, readSync(fd, bytes, 0, length, at))
}
