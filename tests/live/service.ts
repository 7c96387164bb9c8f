/** What tests need and the project does not: kept in a folder that outlives the run. */
export interface Installable {
  /** What messages and file names call it. */
  readonly name: string
  /** The release that is installed; undefined where it is whatever the machine has. */
  readonly version?: string
  /** Whether it is installed in a moment, so that `make test` does it too; false by default. */
  readonly quick?: boolean
  /** Whether `install` has nothing left to do; by default, whether it succeeded here before. */
  ready?(cache: string): boolean
  /**
   * Makes it ready under that folder; quick when it is there already.
   *
   * @throws Unavailable with what is missing, where it cannot be had on this machine
   */
  install(cache: string): Promise<void>
}

/** A real server that tests run against, one file each in `services/`. */
export interface Service<R extends Running = Running> extends Installable {
  /**
   * Starts it on free ports with all its data below a folder of its own, and waits until it answers.
   *
   * @param folder made and removed by the caller
   */
  start(cache: string, folder: string): Promise<R>
}

/** A server that runs. */
export interface Running {
  /** Process id, for a test that kills it. */
  readonly pid: number
  /** Where it answers, by protocol: `{ kafka: '127.0.0.1:39092' }`. */
  readonly addresses: Readonly<Record<string, string>>
  /** SIGKILL; data stays. */
  kill(): Promise<void>
  /** Starts it again with the same data on the same ports, and waits until it answers. */
  restart(): Promise<void>
  /** Ends it, and everything that it has started. */
  stop(): Promise<void>
}

/** Something that cannot be had here; the message says what is missing and why. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}
