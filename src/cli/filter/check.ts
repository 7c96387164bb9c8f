import type { Command } from 'commander'
import { z } from 'zod'
import { DEFAULT_MAX_FRAME_BYTES } from '../../codec/frame.ts'
import { readOptions } from '../../config/options.ts'
import { choice, integer } from '../../config/values.ts'
import type { InputError } from '../../errors.ts'
import { type CelFilter, compileCel } from '../../filter/cel/filter.ts'
import { KEYS } from '../../filter/cel/keys.ts'
import { readDump } from '../../ingest/dump.ts'
import { roomOf } from '../../record/room.ts'
import type { RecordView } from '../../record/view.ts'
import { PrettyEncoder } from '../../render/pretty.ts'
import { visibleLine } from '../../render/visible.ts'
import { addOptions, commandLine, refuse } from '../command-options.ts'
import type { CommandContext } from '../context.ts'
import { wantsColor } from '../encodings.ts'
import { ExitCode } from '../exit-code.ts'
import { fileProblems } from '../feed-dumps.ts'

const options = z.object({
  records: integer(0, 1_000_000)
    .prefault('3')
    .meta({ description: 'how many of the records that match are shown' }),
  color: choice(['auto', 'always', 'never'])
    .prefault('auto')
    .meta({ description: 'colours of the records that are shown' }),
})

/** Gives `pgturret filter check` its options; returns what it does. */
export function checkCommand(command: Command, context: CommandContext): () => Promise<number> {
  addOptions(command, options)
  return async () => {
    const problems: string[] = []
    const given = commandLine(command, context, problems, true)
    const read = readOptions(options, given, problems)
    const [expression, ...files] = given.operands
    const filter = compiled(expression, problems)
    if (files.length > 0) problems.push(...fileProblems(files))
    refuse(problems)
    context.print(explained(filter!))
    if (files.length === 0) return ExitCode.Done
    const trial = new Trial(filter!, read!.records, wantsColor(read!.color, context), context)
    for (const file of files) await trial.count(file)
    context.print(trial.result())
    return trial.damaged ? ExitCode.DamagedInput : ExitCode.Done
  }
}

function compiled(expression: string | undefined, problems: string[]): CelFilter | undefined {
  try {
    if (expression === undefined) throw new Error("expected an expression such as 'level >= ERROR'")
    return compileCel(expression)
  } catch (error) {
    problems.push((error as Error).message)
    return undefined
  }
}

const ENGINES = {
  text: 'a plain text, searched for in the bytes',
  native: 'bounded, by the native engine',
  re2: 'by RE2',
} as const

function explained({ canonical, keys, patterns, always }: CelFilter): string {
  const rows = [
    ['understood as', visibleLine(canonical)],
    ['reads', keys.map((key) => `${key} (${KEYS.get(key)!.type})`).join(', ') || 'nothing of the record'],
    ...patterns.map(({ source, engine }) => ['pattern', `${visibleLine(source)}: ${ENGINES[engine]}`]),
    ...(always === undefined ? [] : [['note', `it is ${always} whatever the record is`]]),
  ]
  return rows.map(([name, text]) => `${name!.padEnd(15)}${text}\n`).join('')
}

/** Counts what a filter does to the records of dumps. */
class Trial {
  damaged = false
  readonly #filter: CelFilter
  readonly #show: number
  readonly #context: CommandContext
  readonly #encoder: PrettyEncoder
  readonly #present: { readonly key: string; records: number }[]
  #records = 0
  #matched = 0

  constructor(filter: CelFilter, show: number, color: boolean, context: CommandContext) {
    this.#filter = filter
    this.#show = show
    this.#context = context
    this.#encoder = new PrettyEncoder({ color })
    this.#present = filter.keys.map((key) => ({ key, records: 0 }))
  }

  async count(file: string): Promise<void> {
    const name = file === '-' ? 'standard input' : file
    const damaged = (error: InputError | NodeJS.ErrnoException) => {
      this.damaged = true
      this.#context.log.error(`${name}: ${error.message}`, 'offset' in error ? { offset: error.offset } : {})
    }
    const handler = { record: (record: RecordView) => this.#take(record) }
    const next = async () => true
    await readDump(file, { handler, maxFrameBytes: DEFAULT_MAX_FRAME_BYTES, damaged, next }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.syscall === undefined) throw error
        damaged(error)
      },
    )
  }

  #take(record: RecordView): void {
    this.#records++
    for (const one of this.#present) if (KEYS.get(one.key)!.value(record) !== null) one.records++
    if (!this.#filter.test(record)) return
    if (++this.#matched > this.#show) return
    if (this.#matched === 1) this.#context.print('\n')
    const out = roomOf(new Uint8Array(this.#encoder.room(record)))
    const end = this.#encoder.encode(record, out, 0)
    this.#context.print(Buffer.from(out.bytes.subarray(0, end)).toString())
  }

  result(): string {
    const shown = Math.min(this.#matched, this.#show)
    const first = shown < this.#matched && shown > 0 ? `, the first ${shown} of them above` : ''
    const lines = [`\n${number(this.#matched)} of ${plural(this.#records)} match${first}\n`]
    for (const { key, records } of this.#present) {
      if (records < this.#records) lines.push(`${key}: ${number(records)} of them have it\n`)
    }
    for (const [reason, times] of this.#filter.failures) {
      lines.push(`${reason}: ${number(times)} times; such a value counts as absent\n`)
    }
    return lines.join('')
  }
}

const number = (count: number): string => count.toLocaleString('en-US')
const plural = (count: number): string => `${number(count)} record${count === 1 ? '' : 's'}`
