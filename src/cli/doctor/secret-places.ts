import { type Given, resolveOptions } from '../../config/options.ts'
import { sourcesOf } from '../destination-sources.ts'
import { askedBy, type Sources } from '../settings.ts'

/** Where the secrets of the destinations stand: files of their own, and the configuration file itself. */
export function secretPlaces(sources: Sources): { secretFiles: string[]; holdsSecret: boolean } {
  const secretFiles: string[] = []
  let holdsSecret = false
  for (const asked of askedBy(sources)) {
    const found = sourcesOf(asked, sources.given, sources.file, [])
    if (found === undefined) continue
    const { definition, own, table } = found
    holdsSecret ||= table?.url !== undefined && /^[a-z][a-z0-9+.-]*:\/\/[^/]*:[^/]*@/i.test(table.url)
    for (const text of secretsIn(definition.options, own, definition.name)) {
      if (text.value.startsWith('file:')) secretFiles.push(text.value.slice(5))
      else if (text.inFile && !text.value.startsWith('env:')) holdsSecret = true
    }
  }
  return { secretFiles, holdsSecret }
}

/** The texts of secret options as they were given; of a header, what stands behind its name. */
function secretsIn(options: Parameters<typeof resolveOptions>[0], own: Given, prefix: string) {
  const secret = resolveOptions(options, own, prefix).filter(
    ({ spec, raw }) => spec.meta.secret && raw !== undefined,
  )
  return secret.flatMap(({ spec, raw, origin }) => {
    const texts = (Array.isArray(raw) ? raw : [raw]).filter((one) => typeof one === 'string')
    const inFile = origin !== undefined && origin === own.table?.values.get(spec.key)?.place
    return texts.map((text) => ({ value: spec.meta.value === 'HEADER' ? behindName(text) : text, inFile }))
  })
}

const behindName = (header: string): string => header.slice(header.indexOf(':') + 1).trim()
