import fc from 'fast-check'

/** SQL made of tokens of which it is known what in them is secret. */

/** Stands in every secret, and nowhere else; so does a 7 in every number. */
export const SECRET = '☠'
/** The first of its bytes: not even that may be left. */
export const SECRET_BYTE = 0xe2
export const SECRET_DIGIT = '7'

const secretText = fc
  .array(
    fc.constantFrom(SECRET, 'x', ' ', ';', ',', '(', ')', '--', '/*', '"', '\n', 'password', '$1', '7'),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((parts) => `${SECRET}${parts.join('')}${SECRET}`)

const literal = fc.oneof(
  secretText.map((text) => `'${text}'`),
  secretText.map((text) => `'it''s ${text}'''`),
  secretText.map((text) => `E'a\\'${text}\\\\'`),
  secretText.map((text) => `e'''${text}\\n'`),
  secretText.map((text) => `U&'\\0061${text}'`),
  secretText.map((text) => `N'${text}'`),
  secretText.map((text) => `$$${text}'$$`),
  secretText.map((text) => `$fn$ ' $$ ${text} $fn$`),
  secretText.map((text) => `'C:\\${text}'`),
  // Closed in the middle, or not, by standard_conforming_strings.
  secretText.map((text) => `'a\\'${text}'`),
  fc.constantFrom("B'1077'", "X'77ff'", '7', '77.7', '.7', '7e7', '7.7E-7', '0x7f', '7_777', '1..7'),
)

const comment = fc.oneof(
  secretText.map((text) => `/* ${text.replaceAll('*/', '').replaceAll('/*', '')} */`),
  secretText.map((text) => `/* a /* ${text.replaceAll('/*', '').replaceAll('*/', '')} */ ' */`),
  secretText.map((text) => `-- ${text.replaceAll('\n', '')} '\n`),
)

const plain = fc.constantFrom(
  ...[
    'SELECT',
    'from',
    'orders',
    'o',
    't1',
    'é',
    '*',
    ',',
    '(',
    ')',
    '=',
    ';',
    '::',
    '-',
    '/',
    '$1',
    '$23',
    '||',
  ],
  ...['"Quoted name"', '"it\'s"', '"a""b"', 'U&"x"', 'a$b', 'password', 'ROLE', '\n', '\t', 'E', 'b', '$'],
)

/** Statements as texts, with secrets in them. */
export const sql: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: plain },
      { weight: 2, arbitrary: literal },
      { weight: 1, arbitrary: comment },
    ),
    {
      maxLength: 14,
    },
  )
  .map((tokens) => tokens.join(' '))
