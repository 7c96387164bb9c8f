import { Field } from '../codec/fields.ts'
import { recodeToUtf8 } from '../record/recode.ts'
import type { RecordView } from '../record/view.ts'
import { FrameRewriter } from './frame-rewriter.ts'
import { LiteralPass } from './literal-pass.ts'
import { PasswordPass } from './password-pass.ts'
import { mayHoldPassword } from './password-scan.ts'
import type { Redaction } from './redaction.ts'

/** Leaves out of records what a redaction says. */
export class RecordRedactor {
  readonly #passwords: boolean
  readonly #others: boolean
  readonly #parametersOnly: boolean
  readonly #first = new FrameRewriter()
  readonly #second = new FrameRewriter()
  readonly #passwordPass: PasswordPass
  readonly #literalPass: LiteralPass

  constructor(redaction: Redaction) {
    this.#passwords = redaction.passwords
    this.#others = redaction.literals || redaction.statements || redaction.parameters
    this.#parametersOnly = !redaction.literals && !redaction.statements
    this.#passwordPass = new PasswordPass(this.#first.out)
    this.#literalPass = new LiteralPass(redaction, this.#second.out)
  }

  /**
   * The record without what is left out: itself where that is nothing, else one that is valid until the next call. What is
   * written anew is UTF-8. The given one has been walked, and so has the returned one.
   */
  redact(record: RecordView): RecordView {
    let left = record
    if (this.#passwords && holdsPassword(record)) left = this.#first.rewrite(inUtf8(left), this.#passwordPass)
    return this.#others && !(this.#parametersOnly && holdsNoParameters(left))
      ? this.#second.rewrite(inUtf8(left), this.#literalPass)
      : left
  }
}

/** Values of parameters stand in details and contexts alone. */
const holdsNoParameters = ({ spans }: RecordView): boolean =>
  spans[2 * Field.ErrDetail]! < 0 && spans[2 * Field.ErrContext]! < 0

/** The texts stand next to each other: one look is enough. */
function holdsPassword({ bytes, words, spans }: RecordView): boolean {
  return mayHoldPassword(bytes, words, spans[2 * Field.ELevel + 1]!, spans[2 * Field.UserQueryPos]!)
}

const inUtf8 = (record: RecordView): RecordView => (record.isUtf8() ? record : recodeToUtf8(record))
