/**
 * Throw-away PostgreSQL for tests. `afterAll(() => cluster.remove())` is good manners; what a test forgets is ended
 * and deleted by the preload at the end of the run, and after Ctrl-C.
 */

import { removeWorkspaceOnSignals } from '../../scripts/postgres/workspace.ts'

removeWorkspaceOnSignals()

export { Cluster, type ClusterOptions } from '../../scripts/postgres/cluster.ts'
export type { PsqlOptions, PsqlResult } from '../../scripts/postgres/psql.ts'
