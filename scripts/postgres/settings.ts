/** The text of postgresql.conf for a throw-away server. */

/** Names of settings and their values, as SHOW would print them. */
export type Settings = Record<string, string | number | boolean>

/** What every throw-away server starts from: quick, small, silent on the network, English, nothing outside its folder. */
export const baseSettings: Settings = {
  fsync: false,
  full_page_writes: false,
  shared_buffers: '16MB',
  max_wal_size: '1GB',
  jit: false,
  listen_addresses: '',
  // Shared memory in files of the data folder: a server killed with SIGKILL leaves nothing in /dev/shm.
  dynamic_shared_memory_type: 'mmap',
  lc_messages: 'C',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

/** One line per setting, every value quoted: PostgreSQL reads numbers and switches from strings as well. */
export function renderSettings(settings: Settings): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${spell(value)}'\n`)
  return lines.join('')
}

function spell(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return String(value).replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n')
}
