import { visibleLine } from '../../render/visible.ts'

/** What a destination said, and its status, which the reason mostly names already. */
export function said({
  reason,
  status,
}: {
  readonly reason: string
  readonly status: number | undefined
}): string {
  return visibleLine(
    status === undefined || reason.includes(String(status)) ? reason : `${status}: ${reason}`,
  )
}

/** `2026-11-21 09:41:55 UTC`, from ISO 8601. */
export const shortTime = (time: string): string => `${time.slice(0, 19).replace('T', ' ')} UTC`
