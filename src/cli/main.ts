import { writeSync } from 'node:fs'
import { makeLog } from '../log.ts'
import { versionLine } from '../version.ts'
import { ExitCode } from './exit-code.ts'

/** The program: the only place that exits, and that touches the process's own streams and signals. */

// Nobody reads any more (`| head`): that is how such a pipe ends, not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? ExitCode.Done : ExitCode.Bug)
})
process.stderr.on('error', () => undefined)

const argv = process.argv.slice(2)

/** Writes at once, so that nothing is lost in an exit right after. */
const put = (fd: number) => (text: string) => {
  try {
    writeSync(fd, text)
  } catch (error) {
    // Nobody reads stdout any more: see above. What cannot be complained about is left unsaid.
    if (fd === 1 && (error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(ExitCode.Done)
  }
}

async function main(): Promise<number> {
  // Scripts ask for the version often: nothing else is loaded for it.
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    put(1)(`${versionLine()}\n`)
    return ExitCode.Done
  }
  const { runProgram } = await import('./program.ts')
  return runProgram(argv, {
    env: process.env,
    log: makeLog(put(2), process.stderr.isTTY === true),
    stdoutIsTerminal: process.stdout.isTTY === true,
    stderrColumns: () => (process.stderr.isTTY === true ? process.stderr.columns : undefined),
    print: put(1),
    complain: put(2),
    onSignal: (signals, callback) => {
      for (const signal of signals) process.on(signal, callback)
    },
    exitNow: (code) => process.exit(code),
  })
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    put(2)(`pgturret: this is a bug, please report it: ${error?.stack ?? error}\n`)
    process.exit(ExitCode.Bug)
  },
)
