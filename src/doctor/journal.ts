import { accessSync, constants, statSync } from 'node:fs'
import { folderHolder } from '../journal/lock.ts'
import { listSegments } from '../journal/segments.ts'
import { sizeText } from '../observe/amounts.ts'
import { failureText } from '../observe/failure-text.ts'
import { broken, type Finding, isForbidden, ok, shellWord, unseen, warn } from './finding.ts'
import type { Surroundings } from './surroundings.ts'

/** Whether the journal's folder can be used, who uses it, and whether it has room. */
export async function examineJournal(surroundings: Surroundings): Promise<Finding[]> {
  const { journal: folder, status } = surroundings
  if (folder === undefined) return [ok('in memory: what is not delivered is lost with the listener')]
  try {
    if (!statSync(folder).isDirectory())
      return [
        broken(
          `"${folder}" is a file, and should be the folder of the journal`,
          `ls -l ${shellWord(folder)}`,
        ),
      ]
    // Without it the lock and the segments in it look as if there were none.
    accessSync(folder, constants.R_OK | constants.X_OK)
  } catch (error) {
    return [missing(folder, error, status.snapshot !== undefined)]
  }
  const { held, pid } = folderHolder(folder)
  return [
    ...(await room(folder, surroundings)),
    ...use(folder, held, pid, surroundings),
    ...state(surroundings),
    ...(await keptAside(folder, surroundings)),
  ]
}

function missing(folder: string, error: unknown, running: boolean): Finding {
  const { code, message } = error as NodeJS.ErrnoException
  if (isForbidden(error)) return unseen(`the journal "${folder}"`)
  if (code !== 'ENOENT') return broken(`the journal cannot be used: ${message}`, 'give another --journal')
  if (running)
    return broken(`the journal "${folder}" is gone under the listener`, 'systemctl restart pgturret')
  return warn(`there is no journal "${folder}" yet; the listener makes it`)
}

async function room(folder: string, { disk, limits }: Surroundings): Promise<Finding[]> {
  const segments = await listSegments(disk, folder)
  const bytes = segments.reduce((total, segment) => total + segment.bytes, 0)
  const { free, total } = await disk.space(folder)
  // A small disk would never have so much: as the journal itself counts.
  const least = Math.min(limits.freeBytes, total / 10)
  const said = `${folder}: ${sizeText(bytes)} of at most ${sizeText(limits.journalBytes)}; ${sizeText(free)} free on its disk`
  const advice = `df -h ${shellWord(folder)}; make room, or lower --journal-size`
  if (free < least)
    return [broken(`${said}, which is less than has to stay free (${sizeText(least)})`, advice)]
  if (free < 2 * least) return [warn(`${said}: soon too little`, advice)]
  // Old records making room is the order of things only when everybody has had them.
  if (bytes > 0.95 * limits.journalBytes)
    return [
      warn(
        `${said}: the oldest records make room`,
        'pgturret status: is an exporter behind? else raise --journal-size',
      ),
    ]
  return [ok(said)]
}

function use(folder: string, held: boolean, pid: number | undefined, { status }: Surroundings): Finding[] {
  const { snapshot } = status
  const running = snapshot?.pid
  if (held) {
    if (running === undefined && !status.problem?.startsWith('not allowed'))
      return [
        broken(
          `process ${pid ?? '?'} holds the journal, and does not answer on the socket`,
          `ps -p ${pid ?? '?'} -o pid,lstart,args: is it another listener, or stuck?`,
        ),
      ]
    if (running !== undefined && pid !== undefined && pid !== running && snapshot?.journal.folder === folder)
      return [
        warn(`the lock names process ${pid}, and the listener is ${running}`, `ps -p ${pid},${running}`),
      ]
    return []
  }
  if (snapshot?.journal.folder === folder)
    return [
      broken('the listener runs, and does not hold the lock of its journal', 'systemctl restart pgturret'),
    ]
  try {
    accessSync(folder, constants.W_OK)
    return []
  } catch {
    return [
      broken(
        `"${folder}" cannot be written by this user`,
        `ls -ld ${shellWord(folder)}; start the listener as its owner, or chown it`,
      ),
    ]
  }
}

/** What the listener says of it: writes and syncs that failed. */
function state({ status }: Surroundings): Finding[] {
  const { journal } = status.snapshot ?? {}
  if (journal === undefined) return []
  const { state: how, lastError, damagedBytes } = journal
  const advice = how === 'full' ? 'make room on the disk' : 'dmesg | tail: does the disk fail?'
  return [
    ...(how === 'ok' ? [] : [broken(failureText(`the journal is ${how}`, lastError), advice)]),
    ...(how === 'ok' && lastError !== undefined
      ? [warn(failureText('the journal had trouble', lastError))]
      : []),
    ...(damagedBytes > 0
      ? [warn(`${sizeText(damagedBytes)} were found damaged and passed over`, 'pgturret journal verify')]
      : []),
  ]
}

async function keptAside(folder: string, { disk }: Surroundings): Promise<Finding[]> {
  const files = (await disk.list(folder)).filter(({ name }) => /\.damaged(-\d+)?$/.test(name))
  if (files.length === 0) return []
  const said = `${files.length} damaged file${files.length === 1 ? ' is' : 's are'} kept beside the journal`
  return [warn(said, `pgturret journal ls ${shellWord(folder)}; rm them when nobody wants them any more`)]
}
