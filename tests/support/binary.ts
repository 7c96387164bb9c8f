import { join } from 'node:path'

/** The compiled executable; `make build` makes it. */
export const BINARY = join(import.meta.dir, '../../dist/pgturret')
