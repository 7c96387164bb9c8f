import type { Log } from '../log.ts'
import { type DatagramSender, monotonicMicroseconds, openDatagram } from './datagram.ts'

/**
 * Tells systemd how the service is, as `sd_notify(3)` does: ready, reloading, stopping, and alive. Where nobody asked
 * (no NOTIFY_SOCKET) it does nothing. It never throws and never waits: who watches the service must not hurt it.
 */

/** A way to tell the service manager. */
export interface Notifier {
  /** Serves; also the end of a reload. From the first time on, the watchdog is fed. */
  ready(): void
  /** Begins to read its configuration anew; `ready` must follow. */
  reloading(): void
  /** Begins to stop. */
  stopping(): void
  /** How it stands, one line, for `systemctl status`. */
  status(text: string): void
  /** Ends telling; the watchdog is not fed any more. */
  stop(): void
}

type Environment = Readonly<Record<string, string | undefined>>

/** A status line that is longer is cut; in characters. */
const MOST_STATUS_CHARACTERS = 500
/** What could not be told for want of room is told again that often, for a minute. */
const RESEND_MS = 100
const MOST_RESENDS = 600

const SILENT: Notifier = {
  ready: () => undefined,
  reloading: () => undefined,
  stopping: () => undefined,
  status: () => undefined,
  stop: () => undefined,
}

/** Makes the way that the environment describes; trouble with it is one line in the log. */
export function notifier(env: Environment, log: Log): Notifier {
  const address = env['NOTIFY_SOCKET']
  if (address === undefined || address === '' || process.platform !== 'linux') return SILENT
  try {
    return new SystemdNotifier(openDatagram(address), watchdogMs(env), log)
  } catch (error) {
    log.warn(`systemd is not told how the service is: NOTIFY_SOCKET: ${(error as Error).message}`)
    return SILENT
  }
}

/** How often the watchdog wants to be fed, twice as often as it must be; undefined when it watches nobody or another process. */
function watchdogMs(env: Environment): number | undefined {
  const pid = env['WATCHDOG_PID']
  if (pid !== undefined && pid !== String(process.pid)) return undefined
  const microseconds = /^\d{1,15}$/.test(env['WATCHDOG_USEC'] ?? '') ? Number(env['WATCHDOG_USEC']) : 0
  // A timer has no time for less, and for more it would go off at once.
  return microseconds > 0 ? Math.min(Math.max(1, microseconds / 2000), 2 ** 31 - 1) : undefined
}

class SystemdNotifier implements Notifier {
  readonly #sender: DatagramSender
  readonly #watchdogMs: number | undefined
  readonly #log: Log
  #watchdog: ReturnType<typeof setInterval> | undefined
  /** What could not be told yet, in order; one of each kind. */
  readonly #unsent = new Map<string, string>()
  #resender: ReturnType<typeof setInterval> | undefined
  #resends = 0
  #stopped = false

  constructor(sender: DatagramSender, watchdog: number | undefined, log: Log) {
    this.#sender = sender
    this.#watchdogMs = watchdog
    this.#log = log
  }

  ready(): void {
    this.#tell('state', 'READY=1')
    if (this.#watchdogMs === undefined || this.#watchdog !== undefined || this.#stopped) return
    // By a timer of the event loop: when it does not turn, systemd is to hear nothing.
    this.#watchdog = setInterval(() => this.#tell('watchdog', 'WATCHDOG=1'), this.#watchdogMs)
    this.#watchdog.unref()
    this.#tell('watchdog', 'WATCHDOG=1')
  }

  reloading(): void {
    this.#tell('state', `RELOADING=1\nMONOTONIC_USEC=${monotonicMicroseconds()}`)
  }

  stopping(): void {
    this.#tell('state', 'STOPPING=1')
  }

  status(text: string): void {
    // A line end would begin another assignment.
    const line = text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, MOST_STATUS_CHARACTERS)
    this.#tell('status', `STATUS=${line}`)
  }

  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    clearInterval(this.#watchdog)
    clearInterval(this.#resender)
    this.#sender.close()
  }

  #tell(kind: string, message: string): void {
    if (this.#stopped) return
    // Moved to the end: what is told last must arrive last.
    this.#unsent.delete(kind)
    this.#unsent.set(kind, message)
    this.#flush()
    if (this.#unsent.size === 0 || this.#resender !== undefined) return
    this.#resends = 0
    this.#resender = setInterval(() => this.#resend(), RESEND_MS)
    this.#resender.unref()
  }

  #flush(): void {
    for (const [kind, message] of this.#unsent) {
      if (!this.#sender.send(message)) return
      this.#unsent.delete(kind)
    }
  }

  #resend(): void {
    this.#flush()
    if (this.#unsent.size > 0 && ++this.#resends < MOST_RESENDS) return
    if (this.#unsent.size > 0)
      this.#log.limited('systemd', 'systemd does not take word of how the service is')
    clearInterval(this.#resender)
    this.#resender = undefined
  }
}
