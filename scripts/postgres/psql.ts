/** Running SQL through psql, the way a person's session would. */

/** What psql said, and its exit code: 0, or 3 after an SQL error, or 2 when the connection failed. */
export interface PsqlResult {
  stdout: string
  stderr: string
  code: number
}

/** Whom to connect as, and from where. */
export interface PsqlOptions {
  user?: string
  db?: string
  /** A host name or address for TCP; the server's unix socket when absent. */
  host?: string
  password?: string
  applicationName?: string
  /** Environment for libpq beyond that, such as PGOPTIONS. */
  env?: Record<string, string>
  signal?: AbortSignal
}

/**
 * Sends the SQL through psql's standard input: statements go to the server one by one, in any length, and psql stops
 * at the first that fails. Output is unaligned, without headers, columns separated by `|`.
 */
export async function runPsql(
  psql: string,
  server: { socketDir: string; port: number },
  sql: string,
  options: PsqlOptions = {},
): Promise<PsqlResult> {
  const child = Bun.spawn([psql, '-XqAt', '-v', 'ON_ERROR_STOP=1', '-f', '-'], {
    stdin: Buffer.from(sql),
    stdout: 'pipe',
    stderr: 'pipe',
    env: environment(server, options),
    ...(options.signal && { signal: options.signal }),
  })
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { stdout: stdout.replace(/\n$/, ''), stderr, code: child.exitCode ?? 128 }
}

function environment(
  server: { socketDir: string; port: number },
  options: PsqlOptions,
): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    // No ~/.pgpass, no ~/.psqlrc, no certificates of the person who runs this.
    HOME: server.socketDir,
    PGHOST: options.host ?? server.socketDir,
    PGPORT: String(server.port),
    PGUSER: options.user ?? 'postgres',
    PGDATABASE: options.db ?? 'postgres',
    PGAPPNAME: options.applicationName ?? 'psql',
    PGCLIENTENCODING: 'UTF8',
    ...(options.password !== undefined && { PGPASSWORD: options.password }),
    ...options.env,
  }
}
