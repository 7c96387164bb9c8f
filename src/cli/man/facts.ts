import { ExitCode } from '../exit-code.ts'

/** What the manual page says and no declaration does. */

type Fact = readonly [name: string, text: string]

/** Places on the disk. */
export const FILES: readonly Fact[] = [
  ['/etc/pgturret/pgturret.toml', 'Configuration, where the user has none.'],
  ['~/.config/pgturret/pgturret.toml', 'Configuration of the user; $XDG_CONFIG_HOME goes before ~/.config.'],
  [
    '/run/pgturret/log.sock',
    'Socket of the service, for records; log.sock.control beside it answers "pgturret status".',
  ],
  ['/var/lib/pgturret', 'Journal of the service: segments, the cursor of each destination, dead letters.'],
  ['~/.local/state/pgturret', 'Journal of a user; $XDG_STATE_HOME goes before ~/.local/state.'],
]

/** Variables that are nobody's option. */
export const ENVIRONMENT: readonly Fact[] = [
  ['PGTURRET_EXPORTERS_NAME_KEY', 'Goes before KEY in [exporters.NAME] of the configuration file.'],
  ['NO_COLOR', 'Not empty: no colours.'],
  [
    'XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_RUNTIME_DIR, STATE_DIRECTORY',
    'Where configuration, journal and socket are looked for.',
  ],
  [
    'PGHOST, PGPORT, PGUSER, PGDATABASE',
    'Which server "pgturret shim status" and "pgturret doctor" ask, through psql.',
  ],
]

/** What the program ends with. */
export const EXIT_STATUS: readonly (readonly [code: number, text: string])[] = [
  [ExitCode.Done, 'Done.'],
  [ExitCode.Bug, 'A bug.'],
  [ExitCode.Usage, 'Usage or configuration; nothing was started, and every problem was listed.'],
  [ExitCode.DamagedInput, 'Input is damaged; everything readable was delivered.'],
  [
    ExitCode.NotAllDelivered,
    'Some records were refused or not delivered; a destination cannot be reached; doctor found something broken.',
  ],
]
