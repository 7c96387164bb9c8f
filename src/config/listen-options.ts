import { z } from 'zod'
import { DEFAULT_MAX_FRAME_BYTES } from '../codec/frame.ts'
import { FORMATS } from '../render/encoder.ts'
import { privacyOptions } from './privacy-options.ts'
import { renderingOptions } from './rendering-options.ts'
import { address, choice, duration, fileMode, integer, level, size, text } from './values.ts'

/** What `pgturret listen` takes: as flags, from the environment, and at the top of pgturret.toml. */
export const listenOptions = z.object({
  config: text('FILE').optional().meta({
    description:
      'configuration file (default: pgturret/pgturret.toml in $XDG_CONFIG_HOME or ~/.config, else in /etc, where it exists)',
    notInFile: true,
  }),
  to: z.array(text('DEST')).prefault([]).meta({
    description:
      'where records go: an exporter of the configuration file, stdout, file:///path.ndjson, http(s)://… (default: every exporter of the file; without one they are shown here)',
    example: 'stdout',
  }),
  format: choice(FORMATS).optional().meta({
    description: 'how stdout and files are written (default: pretty where records are only shown, else json)',
    example: 'json',
  }),
  ...renderingOptions.shape,
  level: level().optional().meta({ description: 'leave out records below this severity' }),
  ...privacyOptions.shape,
  dump: text('FILE').optional().meta({
    description: 'also record the frames, for "pgturret replay"',
    example: '/var/lib/pgturret/pg.febe',
  }),
  color: choice(['auto', 'always', 'never'])
    .prefault('auto')
    .meta({ description: 'colours of the pretty format' }),
  socket: text('PATH').optional().meta({
    description: 'unix socket to listen on (default: $XDG_RUNTIME_DIR or /run, then pgturret/log.sock)',
    example: '/run/pgturret/log.sock',
  }),
  socketMode: fileMode().prefault('0660').meta({ description: 'permissions of the socket' }),
  socketGroup: text('GROUP')
    .optional()
    .meta({ description: 'group of the socket, e.g. postgres', example: 'postgres' }),
  maxConnections: integer(1, 100_000).prefault('2000').meta({ description: 'connections at a time' }),
  maxFrameSize: size()
    .prefault(`${DEFAULT_MAX_FRAME_BYTES / 1024 ** 2}MB`)
    .meta({ description: 'longest record accepted' }),
  maxFrameMemory: size()
    .prefault('256MB')
    .meta({ description: 'memory for unfinished records of all connections' }),
  helloTimeout: duration().prefault('10s').meta({ description: 'a sender must have said who it is by then' }),
  frameTimeout: duration().prefault('60s').meta({ description: 'a record must have arrived whole by then' }),
  journal: text('DIR').optional().meta({
    description:
      'where records are kept until every destination has them; "memory" keeps them in memory only (default: $STATE_DIRECTORY, $XDG_STATE_HOME/pgturret, or /var/lib/pgturret; ~/.local/state/pgturret unless root)',
    example: '/var/lib/pgturret',
  }),
  journalSize: size()
    .prefault('4GB')
    .meta({ description: 'the oldest records make room when the journal would grow over this' }),
  journalAge: duration().optional().meta({
    description: 'records older than this make room, whoever still needs them (default: never; e.g. 7d)',
    example: '7d',
  }),
  journalFree: size().prefault('256MB').meta({
    description:
      'free space that is left on the disk: below it old records make room, then nothing is accepted',
  }),
  sync: choice(['always', 'interval', 'off']).prefault('interval').meta({
    description:
      'when the disk is told to keep what was written: before each answer to a sender, every --sync-interval, or when the system likes (a power cut can lose what a sender was told is safe)',
  }),
  syncInterval: duration()
    .prefault('100ms')
    .meta({ description: 'longest time between two syncs, with --sync=interval' }),
  queueSize: size()
    .prefault('64MB')
    .meta({ description: 'records that are kept in memory with --journal=memory' }),
  drainTimeout: duration().prefault('10s').meta({ description: 'how long SIGTERM waits for destinations' }),
  metrics: address().optional().meta({
    description: 'serve /metrics, /livez and /readyz on this address (default: off; e.g. 127.0.0.1:9188)',
  }),
})

/** Options of `pgturret listen`, read. */
export type ListenOptions = z.output<typeof listenOptions>
