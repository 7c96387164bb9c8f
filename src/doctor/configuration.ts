import { statSync } from 'node:fs'
import { broken, type Finding, isForbidden, ok, shellWord, unseen, warn } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** Whether the configuration can be used, and its secrets are nobody else's. */
export async function examineConfiguration(surroundings: Surroundings): Promise<Finding[]> {
  const { configuration, destinations } = surroundings
  const { path, problems, secretFiles, holdsSecret } = configuration
  const check = path === undefined ? 'pgturret config show' : `pgturret config check ${shellWord(path)}`
  const wrong = problems.map((problem) => verdict(problem, check, surroundings))
  const secret = [...secretFiles, ...(holdsSecret && path !== undefined ? [path] : [])]
  const count = destinations.length
  const said = path === undefined ? 'no configuration file: flags and environment only' : path
  return [
    ...(wrong.length > 0 ? wrong : [ok(`${said}, ${count} destination${count === 1 ? '' : 's'}`)]),
    ...new Set(secret).values().flatMap(openToOthers),
  ]
}

function verdict(problem: string, check: string, { uid, status }: Surroundings): Finding {
  // What another user may read is no fault of the configuration, nor is what another process has in its environment.
  if (/EACCES|permission denied/i.test(problem) && uid !== 0)
    return warn(`${problem}: could not see it as this user`, 'sudo pgturret doctor')
  if (/environment variable "[^"]+" is not set$/.test(problem) && status.snapshot !== undefined)
    return warn(
      `${problem} here; the listener that runs has an environment of its own`,
      'set it to reach the destination, too',
    )
  return broken(problem, check)
}

function openToOthers(path: string): Finding[] {
  try {
    const { mode } = statSync(path)
    if ((mode & 0o004) === 0) return []
    return [
      warn(
        `"${path}" holds a secret, and everybody on this machine can read it`,
        `chmod o-r ${shellWord(path)}; the listener's own user has to read it still`,
      ),
    ]
  } catch (error) {
    // One that is missing was said above.
    return isForbidden(error) ? [unseen(`who can read "${path}"`)] : []
  }
}
