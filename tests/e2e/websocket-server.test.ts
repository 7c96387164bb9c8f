import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestViewer } from '../exporters/websocket-viewer.ts'
import { freePort } from '../support/free-port.ts'
import { startListener } from '../support/listener-process.ts'

test('a viewer can connect before there is any record, and is told when the listener stops', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pgturret-viewers-'))
  const port = freePort()
  const words = ['--socket', join(folder, 'log.sock'), '--journal', join(folder, 'journal')]
  try {
    const listener = await startListener([...words, '--to', `ws-listen://127.0.0.1:${port}`])
    const viewer = await TestViewer.open({ url: `ws://127.0.0.1:${port}/?level=ERROR` })
    expect(await listener.stop()).toBe(0)
    expect(await viewer.closed).toEqual({ code: 1001, reason: 'pgturret stops' })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
