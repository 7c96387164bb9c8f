import { recodeToUtf8 } from '../../record/recode.ts'
import { type Piece, pieceOf, type Room, writePiece } from '../../record/room.ts'
import { UidWriter } from '../../record/uid-writer.ts'
import type { RecordView } from '../../record/view.ts'
import type { Encoder } from '../encoder.ts'
import { NameTemplate } from '../name-template.ts'
import { DocumentEncoder, type DocumentOptions } from './document.ts'

/** How records become operations of the bulk API. */
export interface BulkOptions extends DocumentOptions {
  readonly action: 'create' | 'index'
  /** A template of names; a data stream's is `type-dataset-namespace`. */
  readonly index: string
}

const ID = pieceOf('","_id":"')
const END_ACTION = pieceOf('"}}\n')
const STREAM = pieceOf('"data_stream":{"type":"logs","dataset":"')
const NAMESPACE = pieceOf('","namespace":"')
const END_STREAM = pieceOf('"}}\n')
const NEWLINE = pieceOf('\n')
const FIXED_ROOM = 256

/** The parts of a data stream's name, as templates. */
interface StreamParts {
  readonly dataset: NameTemplate
  readonly namespace: NameTemplate
}

/** `logs-dataset-namespace`: the only streams whose documents say which they belong to, and may not say it wrongly. */
function streamParts({ index, action }: BulkOptions): StreamParts | undefined {
  const parts = action === 'create' ? /^logs-([^-]+)-([^-]+)$/.exec(index) : null
  return parts === null
    ? undefined
    : { dataset: new NameTemplate(parts[1]!), namespace: new NameTemplate(parts[2]!) }
}

/** Writes each record as two lines: what to do, with the record's unique id as the document's, and the document. */
export class BulkEncoder implements Encoder {
  readonly #document: DocumentEncoder
  readonly #uid = new UidWriter()
  readonly #index: NameTemplate
  readonly #stream: StreamParts | undefined
  readonly #action: Piece

  constructor(options: BulkOptions) {
    this.#document = new DocumentEncoder(options)
    this.#index = new NameTemplate(options.index)
    this.#stream = streamParts(options)
    this.#action = pieceOf(`{"${options.action}":{"_index":"`)
  }

  begin(): void {
    this.#document.begin()
  }

  room(record: RecordView): number {
    return this.#document.room(record) + 2 * this.#index.most + FIXED_ROOM
  }

  encode(given: RecordView, out: Room, at: number): number {
    const record = given.isUtf8() ? given : recodeToUtf8(given)
    at = writePiece(out, writePiece(out, at, this.#action), this.#index.nameFor(record))
    at = writePiece(out, this.#uid.write(record, out, writePiece(out, at, ID)), END_ACTION)
    at = this.#document.encode(record, out, at)
    if (this.#stream === undefined) return writePiece(out, at, NEWLINE)
    // In place of the brace at the end.
    out.bytes[at - 1] = 0x2c
    at = writePiece(out, at, STREAM)
    at = writePiece(out, at, this.#stream.dataset.nameFor(record))
    at = writePiece(out, writePiece(out, at, NAMESPACE), this.#stream.namespace.nameFor(record))
    return writePiece(out, at, END_STREAM)
  }
}
