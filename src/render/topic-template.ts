import { Field } from '../codec/fields.ts'
import type { RecordView } from '../record/view.ts'

/** Longest name that a topic can have. */
const MOST_NAME = 249
/** Topics that are remembered by what they are made of. */
const MOST_REMEMBERED = 1000

const FIELDS = {
  identity: (record: RecordView) => record.source.identity,
  database: (record: RecordView) => record.text(Field.DatabaseName) ?? '',
  severity: (record: RecordView) => record.severity().toLowerCase(),
} as const

type FieldName = keyof typeof FIELDS

/** Names that stand in braces. */
export const TOPIC_FIELDS = Object.keys(FIELDS) as readonly FieldName[]

/** What is wrong with a template, in a sentence; undefined when nothing is. */
export function topicProblem(template: string): string | undefined {
  const unknown = [...template.matchAll(/\{([^}]*)\}/g)].find(([, name]) => !(name! in FIELDS))
  const names = TOPIC_FIELDS.map((name) => `{${name}}`).join(', ')
  if (unknown !== undefined) return `the topic's ${unknown[0]} is not known; there are ${names}`
  const fixed = template.replace(/\{[^}]*\}/g, '')
  if (!/^[a-zA-Z0-9._-]*$/.test(fixed) || template.length > MOST_NAME)
    return `a topic has letters, digits, ".", "_", "-" and ${names}, and at most ${MOST_NAME} of them`
  if (template === '' || template === '.' || template === '..') return 'the topic needs a name'
  return undefined
}

/** Makes the names of topics: `pg-logs-{identity}`. What no topic's name may hold becomes `_`. */
export class TopicTemplate {
  readonly #parts: readonly (string | ((record: RecordView) => string))[]
  readonly #names = new Map<string, Uint8Array>()

  /** @param template one without a `topicProblem` */
  constructor(template: string) {
    this.#parts = template
      .split(/(\{[^}]*\})/)
      .filter((part) => part !== '')
      .map((part) => (part.startsWith('{') ? FIELDS[part.slice(1, -1) as FieldName] : part))
  }

  /** The topic's name, if it is the same for all records. */
  get fixed(): string | undefined {
    return this.#parts.every((part) => typeof part === 'string') ? this.#parts.join('') : undefined
  }

  /** Bytes of the name for this record; the same array for the same name. */
  nameFor(record: RecordView): Uint8Array {
    const text = this.#parts.map((part) => (typeof part === 'string' ? part : part(record))).join('')
    const known = this.#names.get(text)
    if (known !== undefined) return known
    const name = Buffer.from(topicName(text))
    // The parts come from a peer: it must not be able to grow this.
    if (this.#names.size === MOST_REMEMBERED) this.#names.clear()
    this.#names.set(text, name)
    return name
  }
}

/** A text made into what Kafka takes for a topic. */
export function topicName(text: string): string {
  const name = text.replace(/[^a-zA-Z0-9._-]/g, '_').slice(0, MOST_NAME)
  return name === '' || name === '.' || name === '..' ? `${name}_` : name
}
