import { expect } from 'bun:test'
import { onStage } from './conformance/stage.ts'
import { type HttpApi, HttpHarness } from './http-harness.ts'

/** With `batch_bytes` of 100,000 a request has as many bytes where they fit, and no byte more. */
export const fillRequests = (exporter: string, api: HttpApi): Promise<void> =>
  onStage(
    { exporter, start: async () => new HttpHarness(api) },
    async (stage) => {
      const { requests } = stage.harness as HttpHarness
      stage.say('x')
      await stage.settled()
      const around = requests[0]!.body.length - 1
      stage.say('x'.repeat(50_000 - around), 'x'.repeat(50_000 - around))
      await stage.settled()
      stage.say('x'.repeat(50_000 - around), 'x'.repeat(50_001 - around))
      await stage.settled()
      expect(requests.slice(1).map(({ body }) => body.length)).toEqual([100_000, 50_000, 50_001])
    },
    { flags: { batchBytes: '100000' } },
  )
