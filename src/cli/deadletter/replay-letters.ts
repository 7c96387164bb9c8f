import { systemClock } from '../../clock.ts'
import { syncFolder } from '../../deadletter/append.ts'
import { openDump } from '../../deadletter/enclosure.ts'
import type { StoredLetter } from '../../deadletter/letter.ts'
import { type LetterFile, letterFiles, seal } from '../../deadletter/letter-files.ts'
import { readLetters } from '../../deadletter/read-letters.ts'
import { removeLetters, sweep } from '../../deadletter/remove-letters.ts'
import { ReplayLock } from '../../deadletter/replay-lock.ts'
import type { Log } from '../../log.ts'
import { countText } from '../../observe/amounts.ts'
import type { CommandContext } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { filesOf } from './letter-folder.ts'
import { Resend, type ResendOptions } from './resend.ts'

/** What is replayed, and what becomes of it. */
export interface ReplayOptions {
  readonly folder: string
  /** Exporters; all when there is none. */
  readonly names: readonly string[]
  /** Whether letters stay that were delivered. */
  readonly keep: boolean
  readonly resend: ResendOptions
}

/** Bytes of records that are sent before there is a look at how much waits. */
const STEP_BYTES = 1024 * 1024

/**
 * Sends the records of letters to a destination, file by file; what was accepted is taken out of each file right after.
 *
 * A listener may go on storing letters: files are sealed first, so that it begins new ones. A process that is killed leaves
 * every letter where it is found; those that it had sent are sent again.
 *
 * @returns the exit status
 * @throws ConfigError when another process replays, or the folder cannot be written
 */
export async function replayLetters(options: ReplayOptions, context: CommandContext): Promise<number> {
  const { folder, keep } = options
  const lock = keep ? undefined : await ReplayLock.take(folder)
  try {
    const files = keep ? await filesOf(folder, options.names) : await sealedFiles(options)
    const resend = new Resend(options.resend, context)
    stopOnSignals(resend, context)
    const replay = new Replay(resend, keep, context.log)
    await replay.run(files)
    context.log.info(replay.summary)
    return replay.exitCode
  } finally {
    lock?.release()
  }
}

async function sealedFiles({ folder, names }: ReplayOptions): Promise<LetterFile[]> {
  await sweep(folder)
  const files = await filesOf(folder, names)
  const open = files.filter(({ sealed, bytes }) => !sealed && bytes > 0)
  for (const { path } of open) await seal(path, systemClock.now())
  await syncFolder(folder)
  const exporters = new Set(files.map(({ exporter }) => exporter))
  const found = await letterFiles(folder)
  return found.filter(({ sealed, exporter }) => sealed && exporters.has(exporter))
}

/** The first one ends after what was sent; the second one at once, and what was sent meanwhile is sent again some day. */
function stopOnSignals(resend: Resend, context: CommandContext): void {
  let told = false
  context.onSignal(['SIGINT', 'SIGTERM'], () => {
    if (told) context.exitNow(ExitCode.NotAllDelivered)
    told = true
    resend.stop()
  })
}

class Replay {
  readonly #resend: Resend
  readonly #keep: boolean
  readonly #log: Log
  readonly #seen = new Set<string>()
  readonly #accepted = new Set<string>()
  #letters = 0
  #withoutRecord = 0
  /** Whether letters stand in files that should not. */
  #failed = false

  constructor(resend: Resend, keep: boolean, log: Log) {
    this.#resend = resend
    this.#keep = keep
    this.#log = log
  }

  async run(files: readonly LetterFile[]): Promise<void> {
    for (const file of files) {
      await this.#send(file)
      this.#accept(await this.#resend.settle())
      if (this.#resend.over) this.#accept(await this.#resend.end())
      if (!this.#keep && this.#accepted.size > 0) await this.#remove(file)
    }
    await this.#resend.end()
  }

  async #remove({ path }: LetterFile): Promise<void> {
    try {
      await removeLetters(path, this.#accepted)
    } catch (error) {
      const why = (error as Error).message
      this.#log.error(`could not remove what was delivered, the next replay sends it again: ${why}`, {
        file: path,
      })
      this.#failed = true
    }
  }

  /** Every letter, also those that are not sent any more: they are counted. */
  async #send(file: LetterFile): Promise<void> {
    let bytes = 0
    for await (const letter of readLetters([file], undefined, this.#seen)) {
      this.#letters++
      if (!this.#add(letter)) this.#withoutRecord++
      bytes += letter.febe?.length ?? 0
      if (bytes < STEP_BYTES) continue
      bytes = 0
      await this.#resend.room()
    }
  }

  /** Returns whether there is a record. */
  #add({ febe, key }: StoredLetter): boolean {
    if (febe === undefined) return false
    return this.#resend.over || openDump(febe, (record) => this.#resend.add(record, key))
  }

  #accept(keys: ReadonlySet<string>): void {
    for (const key of keys) this.#accepted.add(key)
  }

  get #unsent(): number {
    const { delivered, rejected } = this.#resend.stats
    return this.#letters - this.#withoutRecord - delivered - rejected
  }

  /** One line that accounts for every letter. */
  get summary(): string {
    const { delivered, rejected } = this.#resend.stats
    const rest = [
      ...(rejected > 0 ? [`${countText(rejected)} refused again`] : []),
      ...(this.#unsent > 0 ? [`${countText(this.#unsent)} not delivered`] : []),
      ...(this.#withoutRecord > 0 ? [`${countText(this.#withoutRecord)} without the record`] : []),
    ]
    const kept = rest.length > 0 && !this.#keep ? '; what was not delivered stays' : ''
    const parts = [`${countText(delivered)} delivered`, ...rest].join(', ')
    const letters = `${countText(this.#letters)} dead ${this.#letters === 1 ? 'letter' : 'letters'}`
    return `${letters} to ${this.#resend.name}: ${parts}${kept}`
  }

  get exitCode(): number {
    const { rejected } = this.#resend.stats
    const undelivered = rejected > 0 || (this.#unsent > 0 && !this.#resend.nobodyReads)
    return undelivered || this.#failed ? ExitCode.NotAllDelivered : ExitCode.Done
  }
}
