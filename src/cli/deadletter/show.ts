import type { Command } from 'commander'
import { readOptions } from '../../config/options.ts'
import { renderingOptions } from '../../config/rendering-options.ts'
import { choice, integer } from '../../config/values.ts'
import { openDump } from '../../deadletter/enclosure.ts'
import { type StoredLetter, withoutDump } from '../../deadletter/letter.ts'
import type { LetterFile } from '../../deadletter/letter-files.ts'
import { readLetters } from '../../deadletter/read-letters.ts'
import { roomOf } from '../../record/room.ts'
import { type Encoder, FORMATS, type Format } from '../../render/encoder.ts'
import { makeEncoder, type Style } from '../../render/make-encoder.ts'
import { visibleLine } from '../../render/visible.ts'
import { addOptions, commandLine, refuse } from '../command-options.ts'
import type { CommandContext } from '../context.ts'
import { wantsColor } from '../encodings.ts'
import { ExitCode } from '../exit-code.ts'
import { journalOptions, withSystemErrors } from '../listener-places.ts'
import { refuseTwoFormats } from '../rendering.ts'
import { filesOf, letterFolder } from './letter-folder.ts'
import { said, shortTime } from './said.ts'

const options = journalOptions.extend({
  format: choice(FORMATS).prefault('pretty').meta({
    description: 'how records are shown; json shows the letters as they are stored, without the dump',
  }),
  ...renderingOptions.omit({ fields: true }).shape,
  records: integer(1, 1_000_000).optional().meta({ description: 'only the newest N (default: all)' }),
  color: choice(['auto', 'always', 'never'])
    .prefault('auto')
    .meta({ description: 'colours of the pretty format' }),
})

/** Makes the text of a letter, line ends included. */
type Show = (letter: StoredLetter) => string

/** Gives `pgturret deadletter show` its options; returns what it does. */
export function showCommand(command: Command, context: CommandContext): () => Promise<number> {
  addOptions(command, options)
  return async () => {
    const problems: string[] = []
    const given = commandLine(command, context, problems, true)
    const read = readOptions(options, given, problems)
    refuseTwoFormats(given, problems)
    const folder = letterFolder(given, problems)
    refuse(problems)
    const files = await filesOf(folder!, given.operands)
    const { template, color } = read!
    const format = template === undefined ? read!.format : 'template'
    const style = { ...read!, color: wantsColor(color, context) }
    const show = format === 'json' ? asStored : makeShow(format, style)
    await withSystemErrors(folder!, () => print(files, read!.records, show, context))
    return ExitCode.Done
  }
}

async function print(
  files: readonly LetterFile[],
  most: number | undefined,
  show: Show,
  context: CommandContext,
): Promise<void> {
  let first = most === undefined ? 0 : (await count(files)) - most
  for await (const letter of readLetters(files)) if (first-- <= 0) context.print(show(letter))
}

async function count(files: readonly LetterFile[]): Promise<number> {
  let letters = 0
  for await (const _ of readLetters(files)) letters++
  return letters
}

const asStored: Show = ({ line }) => `${withoutDump(line)}\n`

function makeShow(format: Format, style: Style): Show {
  const encoder = makeEncoder(format, style)
  const mark = format === 'pretty' ? '──' : '#'
  return (letter) => `${mark} ${why(letter)}\n${recordText(letter, encoder) ?? `${mark} ${NO_RECORD}\n`}`
}

const NO_RECORD = 'the record is not kept: the journal had let go of it, or it is too large'

function why(letter: StoredLetter): string {
  const { exporter, time, attempts } = letter
  const often = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`
  return `${exporter}, ${shortTime(visibleLine(time))}, ${often}: ${said(letter)}`
}

function recordText({ febe }: StoredLetter, encoder: Encoder): string | undefined {
  let text: string | undefined
  if (febe === undefined) return undefined
  openDump(febe, (record) => {
    const room = roomOf(new Uint8Array(encoder.room(record)))
    text = Buffer.from(room.bytes.buffer, 0, encoder.encode(record, room, 0)).toString()
  })
  return text
}
