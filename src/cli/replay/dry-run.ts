import { SEVERITIES } from '../../codec/severity.ts'
import type { Batch, Exporter } from '../../exporter.ts'
import { countText, sizeText } from '../../observe/amounts.ts'
import { layOut } from '../../observe/table-layout.ts'
import type { Destination } from '../destinations.ts'
import type { Tally } from './tally.ts'

/** Stands in for a destination: takes everything at once, and counts. */
export class CountingExporter implements Exporter {
  records = 0
  bytes = 0

  async send({ records, bytes }: Batch): Promise<void> {
    this.records += records
    this.bytes += bytes.length
  }
}

/** What would have been sent, destination by destination, as lines. */
export function dryRunLines(
  counted: ReadonlyMap<Destination, CountingExporter>,
  { bySeverity }: Tally,
): string[] {
  const rows = [...counted].map(([{ definition, options }, { records, bytes }]) => {
    return [definition.label(options), countText(records), countText(bytes), sizeText(bytes)]
  })
  const head = ['DESTINATION', 'RECORDS', 'BYTES', '']
  const cells = [head, ...rows].map((row) => row.map((text) => ({ text })))
  const severities = SEVERITIES.flatMap((severity, rank) =>
    bySeverity[rank] === 0 ? [] : [`${severity} ${countText(bySeverity[rank]!)}`],
  )
  return [
    ...layOut(cells, [false, true, true, true]),
    ...(severities.length === 0 ? [] : ['', `By severity: ${severities.reverse().join(', ')}`]),
    '',
    'Nothing was sent.',
  ]
}
