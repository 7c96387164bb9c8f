import { waitUntil } from '../support/wait-until.ts'

/** A unix datagram socket that is received on, by a program that has nothing of ours: what it prints is what was sent. */
export interface Datagrams {
  /** What came, in order. */
  readonly received: readonly string[]
  /** Resolves when one came that satisfies. */
  until(predicate: (message: string) => boolean, what: string): Promise<string>
  stop(): Promise<void>
}

const PROGRAM = `
use Socket;
my ($address) = @ARGV;
$address =~ s/^@/\\0/;
$| = 1;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
# Room for one message or two: some tests want it full.
setsockopt($socket, SOL_SOCKET, SO_RCVBUF, 2048) or die "setsockopt: $!";
bind($socket, pack_sockaddr_un($address)) or die "bind: $!";
print "bound\\n";
<STDIN> if $ARGV[1];
while (defined(recv($socket, my $message, 65536, 0))) { print unpack("H*", $message), "\\n" }
`

/** Whether the receiver can run here; perl is on every Debian. */
export const CAN_RECEIVE = process.platform === 'linux' && Bun.which('perl') !== null

/**
 * Receives on a path or an abstract name (`@name`).
 *
 * @param held whether nothing is taken out of the socket before `release`
 */
export async function receiveDatagrams(
  address: string,
  held = false,
): Promise<Datagrams & { release(): void }> {
  const child = Bun.spawn(['perl', '-e', PROGRAM, address, held ? '1' : ''], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const lines: string[] = []
  const reading = read(child.stdout, lines)
  await waitUntil(
    () => lines[0],
    (line) => line === 'bound',
    'the receiver',
  )
  const messages = () => lines.slice(1).map((line) => Buffer.from(line, 'hex').toString())
  return {
    get received() {
      return messages()
    },
    until: async (predicate, what) => {
      const found = await waitUntil(
        () => messages().find(predicate),
        (one) => one !== undefined,
        what,
      )
      return found!
    },
    release: () => {
      child.stdin.write('\n')
      child.stdin.flush()
    },
    stop: async () => {
      child.kill('SIGKILL')
      await child.exited
      await reading
    },
  }
}

async function read(stream: ReadableStream<Uint8Array>, lines: string[]): Promise<void> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const bytes of stream) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = parts.pop()!
    lines.push(...parts)
  }
}
