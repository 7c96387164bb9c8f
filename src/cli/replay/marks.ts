import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { z } from 'zod'
import { crc32c } from '../../codec/crc32c.ts'
import { systemDisk } from '../../journal/disk.ts'
import { listSegments } from '../../journal/segments.ts'
import { countText } from '../../observe/amounts.ts'
import { endOf } from '../journal/overview.ts'
import type { Recording } from '../recording/find.ts'

/** The beginning of a file by which it is known again. */
const HEAD_BYTES = 64 * 1024

const count = z.number().int().nonnegative()

const mark = z.object({
  kind: z.enum(['file', 'journal']),
  /** Everything before it is settled at every destination. */
  position: count,
  /** Of a file, when that was. */
  bytes: count,
  /** Of a file: how many bytes its beginning was then, and their CRC-32C. */
  head: z.object({ bytes: count, crc32c: count }),
  /** Whether it was settled to its end. */
  finished: z.boolean(),
})

/** How far a replay has come in one recording. */
export type Mark = z.output<typeof mark>

const contents = z.object({
  pgturretReplay: z.literal(1),
  to: z.array(z.string()),
  recordings: z.record(z.string(), mark),
})

/** What a file holds: marks by the path of their recording. What is wrong is added to `problems`. */
export function readMarks(path: string, to: readonly string[], problems: string[]): Map<string, Mark> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') problems.push(`--resume: "${path}" cannot be read: ${message}`)
    return new Map()
  }
  const read = contents.safeParse(jsonOf(text))
  if (!read.success) {
    problems.push(`--resume: "${path}" is not a file that a replay has written; name another one`)
    return new Map()
  }
  if (read.data.to.join() !== [...to].join()) {
    problems.push(
      `--resume: "${path}" belongs to a replay to ${read.data.to.join(', ')}; name another file for other destinations`,
    )
  }
  return new Map(Object.entries(read.data.recordings))
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Gives a recording its mark, or says why the one that is there cannot be meant. */
export async function checkMark(
  path: string,
  recording: Recording,
  marks: Map<string, Mark>,
  problems: string[],
): Promise<void> {
  const { kind, name } = recording
  const mark = marks.get(recording.path)
  const again = `remove "${path}" to begin anew`
  if (mark !== undefined && mark.kind !== kind) {
    problems.push(`--resume: "${name}" was a ${mark.kind} when "${path}" was written; ${again}`)
  } else if (kind === 'journal') {
    const position = mark?.position ?? 0
    const end = await endOf(systemDisk, await listSegments(systemDisk, recording.path))
    if (position > end) {
      problems.push(
        `--resume: the journal "${name}" ends at ${countText(end)}, "${path}" has come to ${countText(position)}: it is not the same journal; ${again}`,
      )
    }
    marks.set(recording.path, { ...newMark('journal', 0, ''), position })
  } else if (mark === undefined)
    marks.set(recording.path, newMark('file', recording.bytes ?? 0, recording.path))
  else {
    const problem = changeOf(recording, mark)
    if (problem !== undefined) problems.push(`--resume: "${name}" ${problem}; ${again}`)
  }
}

function newMark(kind: Mark['kind'], bytes: number, path: string): Mark {
  const headBytes = Math.min(bytes, HEAD_BYTES)
  const head = { bytes: headBytes, crc32c: headBytes === 0 ? 0 : headOf(path, headBytes) }
  return { kind, position: 0, bytes, head, finished: false }
}

/** Why a file is not the one that was read before; a file that has grown is. */
function changeOf({ path, bytes }: Recording, mark: Mark): string | undefined {
  if ((bytes ?? 0) < mark.bytes) {
    return `had ${countText(mark.bytes)} bytes when it was read, and has ${countText(bytes ?? 0)} now`
  }
  if (mark.head.bytes > 0 && headOf(path, mark.head.bytes) !== mark.head.crc32c)
    return 'does not begin as it did when it was read: it is another file'
  return undefined
}

function headOf(path: string, bytes: number): number {
  const head = new Uint8Array(bytes)
  const fd = openSync(path, 'r')
  try {
    let length = 0
    for (let more = -1; more !== 0 && length < bytes; length += more)
      more = readSync(fd, head, length, bytes - length, length)
  } finally {
    closeSync(fd)
  }
  return crc32c(head, 0)
}
