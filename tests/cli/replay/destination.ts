/** A destination over HTTP that a test can look into. */
export interface Destination {
  readonly url: string
  /** Messages of records, in the order of their arrival. */
  readonly taken: string[]
  stop(): Promise<void>
}

/**
 * Starts one.
 *
 * @param answer the status of a request, by the messages in it; awaited, so that a request can be held
 */
export function destination(
  answer: (messages: readonly string[], taken: readonly string[]) => number | Promise<number> = () => 200,
): Destination {
  const taken: string[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const lines = (await request.text()).trimEnd().split('\n')
      const messages = lines.map((line) => (JSON.parse(line) as { message: string }).message)
      const status = await answer(messages, taken)
      if (status === 200) taken.push(...messages)
      return new Response('', { status })
    },
  })
  return { url: `http://127.0.0.1:${server.port}/`, taken, stop: () => server.stop(true) }
}
