import { visibleName } from '../render/visible.ts'
import { countText } from './amounts.ts'

/** `12 retention`, `3 gave_up`: counts by reason, without those that are 0. */
export function reasonTexts(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${countText(count)} ${visibleName(reason)}`)
}
