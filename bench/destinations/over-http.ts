import { replay, type Side } from './side.ts'
import { type Destination, sideBySide, sizeFrom } from './side-by-side.ts'

/** Destinations that are one HTTP endpoint, against a server on this machine that takes everything. */

/** A way to send, by what follows `replay DUMP`. */
export interface Way {
  readonly name: string
  /** @param host `127.0.0.1:12345` */
  readonly words: (host: string) => readonly string[]
  /** Beside the environment of this program. */
  readonly env?: (host: string) => Readonly<Record<string, string>>
}

/** What else may be asked for. */
export interface Comparison {
  /** Other programs; `place.to` is the server's `127.0.0.1:12345`. */
  readonly peers?: readonly Side[]
  /** Lines of a request that make a record, by where it goes; needed where somebody follows. Undefined: it cannot be told. */
  readonly linesOfRecord?: (url: URL) => number
  /** How many, unless the command line says; 500,000 by default. */
  readonly records?: number
}

/**
 * Replays a dump to a plain HTTP endpoint and by each way, and has other programs send the same, in turns.
 *
 * @param answer to every request, once its body has been read
 */
export async function compare(
  ways: readonly Way[],
  answer: (url: URL) => Response,
  { peers = [], linesOfRecord, records = 500_000 }: Comparison = {},
): Promise<void> {
  const size = sizeFrom(process.argv.slice(2), records)
  const taken = new Taken()
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: async (request) => {
      const url = new URL(request.url)
      const compressed = request.headers.has('Content-Encoding')
      taken.take(await request.bytes(), compressed ? undefined : linesOfRecord?.(url))
      return answer(url)
    },
  })
  const host = `127.0.0.1:${server.port}`
  const destination: Destination = {
    renew: () => {
      taken.clear()
      return host
    },
    arrived: () => taken.records,
    note: () => taken.note(size.records),
  }
  const plain = replay('http', () => ['--to', `http://${host}/`])
  try {
    await sideBySide([plain, ...ways.map(sideOf), ...peers], destination, size)
  } finally {
    await server.stop(true)
  }
}

function sideOf({ name, words, env }: Way): Side {
  const { command } = replay(name, words)
  const variables = (host: string) =>
    Object.entries(env?.(host) ?? {}).map(([key, value]) => `${key}=${value}`)
  return { name, command: (place) => ['env', ...variables(place.to), ...command(place)] }
}

const NEWLINE = 0x0a

/** What the server has had of a run. */
class Taken {
  /** Undefined where it cannot be told. */
  records: number | undefined
  #requests = 0
  #bytes = 0

  clear(): void {
    this.records = 0
    this.#requests = 0
    this.#bytes = 0
  }

  /** @param lines of a record; undefined where lines say nothing */
  take(body: Uint8Array, lines: number | undefined): void {
    this.#requests++
    this.#bytes += body.length
    if (body.length === 0) return
    this.records = lines === undefined ? undefined : (this.records ?? 0) + linesIn(body) / lines
  }

  note(records: number): string {
    const [each, together] = [this.#bytes / records, records / this.#requests]
    return `${each.toFixed(0).padStart(5)} bytes/record  ${together.toFixed(0).padStart(6)} records/request`
  }
}

/** The last one need not be ended. */
function linesIn(body: Uint8Array): number {
  let lines = body.at(-1) === NEWLINE ? 0 : 1
  for (let at = body.indexOf(NEWLINE); at >= 0; at = body.indexOf(NEWLINE, at + 1)) lines++
  return lines
}
