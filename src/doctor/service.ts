import { existsSync } from 'node:fs'
import { broken, type Finding, ok, warn } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** So many restarts are no accident. */
const MANY_RESTARTS = 3

/** What systemd says of the unit; nothing where there is no systemd. */
export async function examineService({ run, systemd, status }: Surroundings): Promise<Finding[]> {
  if (!existsSync(systemd)) return []
  const properties = 'LoadState,ActiveState,SubState,NRestarts,Result'
  const ran = await run(['systemctl', 'show', 'pgturret', '--property', properties])
  if (ran?.code !== 0) return [warn('systemctl does not answer', 'systemctl status pgturret')]
  const state = Object.fromEntries(
    ran.stdout
      .trim()
      .split('\n')
      .map((line) => line.split('=', 2)),
  )
  const running = status.snapshot !== undefined
  const { LoadState, ActiveState, SubState, Result } = state as Record<string, string>
  if (LoadState !== 'loaded') return [unit(running)]
  const restarts = Number(state['NRestarts'] ?? 0)
  const said = `pgturret.service is ${ActiveState} (${SubState})`
  if (ActiveState === 'failed')
    return [broken(`${said}: ${Result}`, 'journalctl -u pgturret -n 50; systemctl restart pgturret')]
  if (ActiveState !== 'active')
    return [
      running
        ? warn(
            `${said}, and a listener runs without it`,
            'systemctl enable --now pgturret, after that one has stopped',
          )
        : broken(said, 'systemctl enable --now pgturret'),
    ]
  if (restarts >= MANY_RESTARTS)
    return [warn(`${said}, started anew ${restarts} times`, 'journalctl -u pgturret -n 50')]
  return [ok(said)]
}

const unit = (running: boolean): Finding =>
  running
    ? ok('no unit pgturret.service: the listener was started by something else')
    : warn('there is no unit pgturret.service', 'see packaging/pgturret.service, or start pgturret listen')
