export { type WaitOptions, waitUntil } from '../../scripts/wait-until.ts'
