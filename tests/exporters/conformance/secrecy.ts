import { expect } from 'bun:test'
import { fingerprint } from '../../../src/config/fingerprint.ts'
import { run } from '../../cli/run.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { type ConformanceStage, onStage, SECRET, wordsOf } from './stage.ts'
import type { Manner, Subject } from './subject.ts'

/** How base64 writes the secret, wherever in a longer text it stands; its ends, which its neighbours share, are left out. */
const inBase64 = [0, 1, 2].map((before) =>
  Buffer.from('x'.repeat(before) + SECRET)
    .toString('base64')
    .slice(4, -4),
)

/** The secret in all the forms in which it could be seen. */
const FORMS = [SECRET, encodeURIComponent(SECRET), ...inBase64]

/** Whatever goes wrong, and whatever the server repeats: the credential is in no message, label, letter or listing. */
export const shownNowhere = (subject: Subject) =>
  onStage(subject, async (stage) => {
    const { definition, options } = stage.destination
    const words = wordsOf(subject, stage.harness.target(SECRET))
    for (const command of [['config', 'show'], ['config', 'check'], ['check']]) {
      const { stdout, stderr } = await run([...command, ...words])
      hidden(stdout + stderr)
    }
    hidden(
      definition.label(options),
      JSON.stringify(options),
      Bun.inspect(options),
      Bun.inspect(stage.exporter),
    )
    hidden(JSON.stringify(stage.destination), fingerprint({ options }))
    for (const manner of [{ does: 'block' }, { does: 'echo' }, { does: 'be busy' }] as const)
      await provoke(stage, manner)
    await stage.harness.kill?.()
    stage.say('to nobody')
    if (stage.harness.kill !== undefined) await failed(stage)
    else await stage.settled()
    await stage.delivery.stop()
    hidden(...stage.said, Bun.inspect(stage.letters), Bun.inspect(stage.delivery.stats))
  })

/** Has the destination answer so, where it can. */
async function provoke(stage: ConformanceStage, manner: Manner): Promise<void> {
  const { harness } = stage
  if (harness.behave === undefined || (await harness.behave(manner)) === false) return
  stage.say(manner.does)
  await failed(stage)
  const error = await stage.exporter
    .send({ records: 0, bytes: new Uint8Array(), ends: new Uint32Array() }, new AbortController().signal)
    .catch((thrown: unknown) => thrown)
  hidden(Bun.inspect(error, { depth: 10 }))
  await harness.behave({ does: 'accept' })
  await stage.settled()
}

async function failed({ delivery }: ConformanceStage): Promise<void> {
  const { retried, rejected } = delivery.stats
  await waitUntil(
    () => delivery.stats,
    (now) => now.retried > retried || now.rejected > rejected,
    'a failure',
    { timeoutMs: 30_000 },
  )
}

function hidden(...texts: readonly string[]): void {
  for (const text of texts) for (const form of FORMS) expect(text).not.toContain(form)
}
