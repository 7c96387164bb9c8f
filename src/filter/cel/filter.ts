import { Environment, ParseError } from '@marcbachmann/cel-js'
import type { Test } from '../needle.ts'
import type { Pattern } from '../pattern.ts'
import { canonicalText } from './canonical.ts'
import { type Compilation, compile } from './compile.ts'
import { constantOf, nameOf, testOf } from './expression.ts'
import { CelProblem, problemText } from './problem.ts'

/** A filter expression, ready for records. */
export interface CelFilter extends Test {
  /** Tests that all must hold: the head of a record may decide before the rest is looked at. */
  readonly conjuncts: readonly Test[]
  /** The expression as the parser understood it. */
  readonly canonical: string
  /** Keys that it reads, in the order in which it names them. */
  readonly keys: readonly string[]
  readonly patterns: readonly Pattern[]
  /** True or false where no record can change it. */
  readonly always: boolean | undefined
  /** Values that could not be computed so far (a division by zero, an int() of words), by reason. */
  readonly failures: ReadonlyMap<string, number>
}

/** Longest expression. */
export const MOST_EXPRESSION_LENGTH = 10_000
/** Parts that an expression can have; with those that `exists` and `all` repeat. */
const MOST_PARTS = 20_000

const parser = new Environment({
  limits: { maxAstNodes: 5000, maxDepth: 64, maxListElements: 1000, maxMapEntries: 10, maxCallArguments: 8 },
})

/**
 * Compiles a filter expression. Whatever a record holds, the filter answers true or false; it never throws.
 *
 * @param failed told of the first value that cannot be computed
 * @throws Error whose message says what is wrong and shows where, in several lines
 */
export function compileCel(source: string, failed?: (reason: string) => void): CelFilter {
  try {
    return filterOf(source, failed)
  } catch (error) {
    throw new Error(problemText(source, problemOf(error, source)))
  }
}

function filterOf(source: string, tell: ((reason: string) => void) | undefined): CelFilter {
  if (source.length > MOST_EXPRESSION_LENGTH)
    throw new CelProblem(
      `the expression has ${source.length} characters, ${MOST_EXPRESSION_LENGTH} are allowed`,
      { start: 0, end: 1 },
    )
  if (source.trim() === '')
    throw new CelProblem('expected an expression such as level >= ERROR', { start: 0, end: 1 })
  const { ast } = parser.parse(source)
  const failures = new Map<string, number>()
  const failed = (reason: string): null => {
    if (failures.size === 0) tell?.(reason)
    failures.set(reason, (failures.get(reason) ?? 0) + 1)
    return null
  }
  const compilation: Compilation = { keys: new Set(), patterns: [], failed, budget: MOST_PARTS }
  const compiled = compile(ast, compilation)
  if (compiled.type !== 'bool')
    throw new CelProblem(`expected something that is true or false, and this is ${nameOf(compiled)}`, ast)
  failures.clear()
  const { keys, patterns } = compilation
  const always = typeof compiled.constant === 'boolean' ? compiled.constant : undefined
  const whole = always === undefined ? compiled : constantOf('bool', always)
  const conjuncts = whole.conjuncts ?? [whole]
  return {
    test: testOf(whole),
    deep: whole.deep,
    conjuncts: conjuncts.map((one) => ({ test: testOf(one), deep: one.deep })),
    canonical: canonicalText(ast),
    keys: [...keys],
    patterns,
    always,
    failures,
  }
}

const TOO_DEEP = 'the expression is nested too deeply, or too large'

function problemOf(error: unknown, source: string): CelProblem {
  if (error instanceof CelProblem) return error
  if (error instanceof ParseError) {
    const { start, end } = error.range ?? { start: 0, end: source.length }
    return new CelProblem(
      error.code === 'limit_exceeded' ? TOO_DEEP : sentence(error.summary, source, start),
      {
        start,
        end,
      },
    )
  }
  if (error instanceof RangeError) return new CelProblem(TOO_DEEP, { start: 0, end: 1 })
  throw error
}

const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^Unexpected token: EOF$|^Expected \w+, got EOF$/, 'the expression ends too early'],
  [/^Expected RPAREN, got \w+$/, 'expected a closing parenthesis'],
  [/^Expected RBRACKET, got \w+$/, 'expected a closing bracket'],
  [/^Unexpected token: \w+$/, 'a value is missing here'],
  [
    /invalid predicate iteration variable$/,
    'expected a name and a test, such as ["a", "b"].exists(x, message.contains(x))',
  ],
  [/^Unterminated/, 'a text without its closing quote'],
]

/** What the parser says, in a person's words. */
function sentence(summary: string, source: string, at: number): string {
  const rest = source.slice(at)
  if (/^=(?!=)/.test(rest)) return 'write == to compare'
  if (/^(?:and|AND)\b/.test(rest)) return 'write && for "and"'
  if (/^(?:or|OR)\b/.test(rest)) return 'write || for "or"'
  if (/^(?:not|NOT)\b/.test(rest)) return 'write ! for "not"'
  if (/^&(?!&)/.test(rest)) return 'write && for "and"'
  if (/^\|(?!\|)/.test(rest)) return 'write || for "or"'
  const found = WORDS.find(([pattern]) => pattern.test(summary))
  return found?.[1] ?? `${summary.charAt(0).toLowerCase()}${summary.slice(1)}`
}
