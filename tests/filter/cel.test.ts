import { describe, expect, test } from 'bun:test'
import type { LogFields } from '../../src/codec/log.ts'
import { elevelOf, SEVERITIES } from '../../src/codec/severity.ts'
import { compileCel, MOST_EXPRESSION_LENGTH } from '../../src/filter/cel/filter.ts'
import { recordOf, type Surroundings } from '../record/records.ts'

const ERROR: LogFields = {
  LogTime: '2026-11-21 02:00:00.123 UTC',
  UserName: 'app',
  DatabaseName: 'shop',
  Pid: 4711,
  ClientAddr: '10.0.0.7:51234',
  SessionId: '69a43c00.8d12',
  SeqNum: 3n,
  Txid: 2n ** 63n - 1n,
  ELevel: elevelOf(15, 'ERROR'),
  SQLState: '40P01',
  ErrMessage: 'deadlock detected',
  UserQuery: "UPDATE t SET a = 1 /*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'*/",
  FileErrPos: 'DeadLockReport, deadlock.c:1148',
  ApplicationName: '',
  // 2026-11-21T02:00:00.123456Z
  TimeMicros: 1795226400123456n,
  SessionStartMicros: 1795226100000000n,
  QueryId: -8637085003156352615n,
  Encoding: 'UTF8',
}
const DURATION: LogFields = {
  ...ERROR,
  ELevel: elevelOf(15, 'LOG'),
  SQLState: '00000',
  ErrMessage: 'duration: 250.125 ms  bind S_1: SELECT 1',
  MessageId: 'duration: %s ms  bind %s%s%s: %s',
  DatabaseName: null,
  UserQuery: null,
}

const fits = (expression: string, fields = ERROR, around: Surroundings = {}): boolean =>
  compileCel(expression).test(recordOf(fields, around))

describe('what an operator asks', () => {
  test.each([
    'level >= ERROR && dbname == "shop" && message.contains("deadlock")',
    'level == ERROR && level != LOG && level < PANIC && DEBUG5 < level',
    'level in [ERROR, FATAL, PANIC]',
    'error_severity == "ERROR"',
    'error_severity in ["ERROR", "FATAL"]',
    'state_code.startsWith("40") && sqlstate_class == "40" && sqlstate_name == "deadlock_detected"',
    'message.matches("dead.*d$") && matches(message, "^dead") && message.matches("(?i)DEADLOCK")',
    'message.size() == 17 && size(message) > 16',
    'message.upperAscii().contains("DEADLOCK") && user.upperAscii().lowerAscii() == user',
    '(user + "@" + dbname) == "app@shop"',
    'pid == 4711 && pid + 1 > 4711 && pid % 2 == 1 && pid / 2 == 2355 && -pid < 0 && pid * 1.0 == 4711.0',
    'remote_host == "10.0.0.7" && remote_port == 51234',
    'func_name == "DeadLockReport" && file_name == "deadlock.c" && file_line_num == 1148',
    'trace_id == "0af7651916cd43dd8448eb211c80319c" && span_id.endsWith("31") && trace_flags == "01"',
    '["lock", "timeout"].exists(word, message.contains(word))',
    '["dead", "lock"].all(x, message.contains(x)) && ["dead", "x"].exists_one(x, message.contains(x))',
    '[1, 2].exists(a, [2, 3].exists(b, a == b && pid > 0))',
    'user in ["root", "app"] && !(user in [])',
    'dbname == "shop" ? level >= ERROR : false',
    '(has(dbname) ? dbname : "none") == "shop"',
    'truncated == false && !truncated && !has(truncated)',
    'has(application_name) && application_name == "" && application_name != null',
    'identity == "shop" && server_version.startsWith("15.")',
    'int("47") + 4664 == pid && double("4711") == pid && string(pid) == "4711" && string(level) == "ERROR"',
    'int(2.9) == 2 && " x ".trim() == "x"',
    '// a remark\nlevel >= ERROR',
  ])('%s', (expression) => {
    expect(fits(expression)).toBe(true)
    expect(fits(`!(${expression}\n)`)).toBe(false)
  })

  test('durations, with a point and without', () => {
    expect(fits('duration_ms > 250', DURATION)).toBe(true)
    expect(fits('duration_ms > 250.0 && duration_ms == 250.125 && 251 > duration_ms', DURATION)).toBe(true)
    expect(fits('bind_ms == duration_ms && !has(parse_ms)', DURATION)).toBe(true)
    expect(fits('duration_ms >= 251', DURATION)).toBe(false)
    expect(fits('duration_ms / 1000 > 0.25 && duration_ms * 2 > 500', DURATION)).toBe(true)
    const long = { ...DURATION, ErrMessage: 'duration: 123456789012345.678 ms', MessageId: null }
    expect(fits('duration_ms > 123456789012345.6 && duration_ms < 123456789012345.7', long)).toBe(true)
  })

  test('every severity by its name', () => {
    for (const severity of SEVERITIES.slice(0, -1)) {
      const fields = { ...ERROR, ELevel: elevelOf(15, severity as 'LOG') }
      expect(fits(`level == ${severity} && error_severity == "${severity}"`, fields)).toBe(true)
    }
    expect(fits('level == UNKNOWN', { ...ERROR, ELevel: 99 })).toBe(true)
  })

  test('times', () => {
    for (const expression of [
      'timestamp > timestamp("2026-11-21T02:00:00.123Z")',
      'timestamp == timestamp("2026-11-21T03:00:00.123456+01:00")',
      'timestamp < timestamp("2026-11-21T02:00:00.123457Z")',
      'timestamp - session_start == duration("5m0.123456s")',
      'timestamp - duration("1h30m") < timestamp("2026-11-21T00:31:00Z")',
      'timestamp - session_start > duration("299s") && duration("1.5s") == duration("1500ms")',
      'timestamp.getHours() == 2 && timestamp.getHours("Europe/Berlin") == 3',
      'timestamp.getHours("-03:30") == 22 && timestamp.getMinutes("-03:30") == 30',
      'timestamp.getFullYear() == 2026 && timestamp.getMonth() == 10 && timestamp.getDate() == 21',
      'timestamp.getDayOfMonth() == 20 && timestamp.getDayOfWeek() == 6 && timestamp.getDayOfYear() == 324',
      'timestamp.getSeconds() == 0 && timestamp.getMilliseconds() == 123',
    ]) {
      expect([expression, fits(expression)]).toEqual([expression, true])
    }
    const old: Surroundings = { protocol: 1 }
    expect(fits('timestamp == timestamp("2026-11-21T02:00:00.123Z")', ERROR, old)).toBe(true)
    const unknown = { ...ERROR, LogTime: '2026-11-21 02:00:00.123 IST' }
    expect(fits('timestamp == null', unknown, old)).toBe(true)
  })

  test('64 bits keep every digit', () => {
    expect(fits('txid == 9223372036854775807 && txid > 9223372036854775806')).toBe(true)
    expect(fits('txid == 9223372036854775806')).toBe(false)
    expect(fits('query_id == -8637085003156352615 && query_id < -8637085003156352614')).toBe(true)
    expect(fits('query_id + 1 == -8637085003156352614')).toBe(true)
    expect(fits('txid - 1 == 9223372036854775806')).toBe(true)
    expect(fits('txid == 9223372036854775807.0')).toBe(false)
    expect(fits('txid == 9007199254740992.0', { ...ERROR, Txid: 2n ** 53n })).toBe(true)
    expect(fits('txid == -9223372036854775808', { ...ERROR, Txid: -(2n ** 63n) })).toBe(true)
    expect(fits('seq == 9007199254740993', ERROR, { bootId: 1n, sequence: 2n ** 53n + 1n })).toBe(true)
  })
})

describe('what is absent', () => {
  test.each([
    ['dbname == "shop"', false],
    ['dbname != "shop"', true],
    ['dbname == null', true],
    ['null != dbname', false],
    ['has(dbname)', false],
    ['dbname in ["shop", ""]', false],
    ['dbname.contains("")', false],
    ['!dbname.contains("x")', true],
    ['dbname.matches("")', false],
    ['dbname.startsWith(user)', false],
    ['user.startsWith(dbname)', false],
    ['dbname < "z" || dbname >= "a"', false],
    ['dbname.size() >= 0', false],
    ['dbname.size() == null', true],
    ['dbname + "x" == null', true],
    ['dbname.upperAscii() == "SHOP"', false],
    ['dbname == statement', true],
    ['state_code == null && sqlstate_class == null && sqlstate_name == null', true],
    ['leader_pid > 0 || leader_pid <= 0', false],
    ['cursor_position + 1 > 0', false],
    ['-cursor_position == null', true],
    ['[dbname].exists(x, x == null)', true],
    ['(true ? dbname : user) == null', true],
    ['string(leader_pid) == null', true],
    ['seq == null', true],
  ])('%s: %p', (expression, expected) => {
    expect(fits(expression, DURATION)).toBe(expected)
  })

  test('what logfebe-1 does not have', () => {
    expect(fits('has(backend_type) || has(query_id) || has(message_id)', ERROR, { protocol: 1 })).toBe(false)
    expect(fits('backend_type.contains("") || backend_type == ""', ERROR, { protocol: 1 })).toBe(false)
  })

  test('what cannot be computed is absent, too: counted, and told once', () => {
    const told: string[] = []
    const { test: matches, failures } = compileCel('pid / (pid - 4711) > 0 || int(user) == 5', (reason) =>
      told.push(reason),
    )
    const record = recordOf(ERROR)
    expect([matches(record), matches(record)]).toEqual([false, false])
    expect(told).toEqual(['division by zero'])
    expect([...failures]).toEqual([
      ['division by zero', 2],
      ['int() of a text that is none', 2],
    ])
    for (const absent of ['txid + 1', 'txid * txid', 'int(1.0e300 * pid)', 'double(user)', 'pid / 0.0']) {
      expect(fits(`(${absent}) == null`)).toBe(true)
    }
  })
})

describe('texts that are not UTF-8', () => {
  const latin1 = { ...ERROR, ErrMessage: Buffer.from('d\xe9j\xe0 vu', 'latin1'), Encoding: 'LATIN1' }
  const broken = { ...ERROR, ErrMessage: Buffer.from([0x61, 0xff, 0xc3, 0x62]) }

  test.each([
    'message == "déjà vu"',
    'message.contains("jà")',
    'message.startsWith("dé")',
    'message.endsWith("à vu")',
    'message.matches("^d.j.")',
    'message in ["x", "déjà vu"]',
    'message.size() == 7',
  ])('LATIN1: %s', (expression) => expect(fits(expression, latin1)).toBe(true))

  test.each([
    'message.contains("\ufffd")',
    'message == "a\ufffd\ufffdb"',
    'message.startsWith("a") && message.endsWith("b")',
    'message.matches("^a..b$")',
  ])('bytes that are none: %s', (expression) => expect(fits(expression, broken)).toBe(true))
})

describe('refused before anything starts, with the spot', () => {
  test.each([
    ['dbnam == "x"', 'dbnam: there is no such key; did you mean dbname?\n      dbnam == "x"\n      ^^^^^'],
    ['level >= ERRROR', 'did you mean ERROR?\n      level >= ERRROR\n               ^^^^^^'],
    ['level >= "error"', 'write ERROR without quotes'],
    ['level > 5', 'level (a severity) cannot be compared with an int'],
    ['error_severity == ERROR', 'write level, or error_severity == "ERROR"'],
    ['error_severity >= "ERROR"', 'ordered by the alphabet; write level >= ERROR'],
    ['pid == "x"', 'pid (an int) cannot be compared with a string'],
    ['timestamp > "2026-11-21"', 'write timestamp("2026-11-21T02:00:00Z")'],
    ['dbname', 'expected something that is true or false, and this is dbname (a string)'],
    ['dbname || true', 'has(dbname) asks whether it is there'],
    ['true ? 1 : "x"', 'both results must be of one kind'],
    ['true ? true : null', 'null is neither true nor false'],
    [
      'level >= ERROR and true',
      'write && for "and"\n      level >= ERROR and true\n                     ^^^',
    ],
    ['level == ERROR or true', 'write || for "or"'],
    ['dbname = "x"', 'write == to compare'],
    ['level >= ERROR & true', 'write && for "and"'],
    ['level >= ERROR | true', 'write || for "or"'],
    ['(level >= ERROR', 'the expression ends too early'],
    ['level >=', 'the expression ends too early'],
    ['dbname == "x', 'a text without its closing quote'],
    ['', 'expected an expression such as level >= ERROR'],
    ['message.includes("x")', 'includes: there is no such method; there are startsWith'],
    ['message.containz("x")', 'did you mean contains?'],
    ['contains(message)', 'write x.contains(…)'],
    ['message.has()', 'write has(x)'],
    ['message.contains()', 'takes one value'],
    ['message.contains(pid)', 'is for texts, and this is pid (an int)'],
    ['pid.contains("x")', 'is for texts, and this is pid (an int)'],
    ['message.matches("a(")', 'the regular expression cannot be read: missing closing ): `a(`'],
    ['message.matches("a(?=b)")', 'RE2 has no look-ahead'],
    ['message.matches("(a)\\\\1")', 'RE2 has no look-ahead'],
    ['message.matches(dbname)', 'takes a regular expression in quotes'],
    [`message.matches("${'a'.repeat(2001)}")`, '2000 are allowed'],
    ['has(dbname.x)', 'has() takes one key'],
    ['record.dbname == "x"', 'keys have no parts'],
    ['{"a": 1} == {"a": 1}', 'maps, indexes and optional values are not for filters'],
    ['[1][0] == 1', 'maps, indexes'],
    ['b"x" == b"x"', 'bytes are not for filters'],
    ['[1] == [1]', 'lists cannot be compared'],
    ['dbname in "shop"', 'for one text write dbname == "…"'],
    ['"dead" in message', 'of a text ask message.contains("…")'],
    ['truncated < true', 'has no order'],
    ['1 / 0 == 1', 'this has no value'],
    ['99999999999999999999 == 1', 'beyond 64 bits'],
    ['timestamp("yesterday") == timestamp', 'expected timestamp("…") with a text such as'],
    ['timestamp("2026-02-30T00:00:00Z") == timestamp', 'expected timestamp('],
    ['duration("5 minutes") == duration("5m")', 'expected duration("…") with a text such as "5m"'],
    ['timestamp.getHours("Mars/Olympus") == 1', 'is no time zone that is known here'],
    ['dbname.exists(x, true)', 'expected a list and a test'],
    ['message - "x" == "y"', 'there is no such operation'],
    ['-message == "y"', 'there is no such operation'],
    ['sqlstate == "23505"', 'write state_code'],
    ['dyn(pid) == 1', 'there is no such function'],
  ])('%s', (expression, said) => {
    expect(() => compileCel(expression)).toThrow(said)
  })

  test('of several lines and of long ones, only what matters is shown', () => {
    const lines = 'level >= ERROR &&\n  dbnam == "shop" &&\n  true'
    expect(() => compileCel(lines)).toThrow('\n        dbnam == "shop" &&\n        ^^^^^')
    const long = `${'level >= ERROR && '.repeat(40)}nope == 1${' && level >= ERROR'.repeat(40)}`
    const [, line, carets] = messageOf(long).split('\n')
    expect(line!.length).toBeLessThan(110)
    expect(line!.slice(carets!.indexOf('^'), carets!.lastIndexOf('^') + 1)).toBe('nope')
  })
})

function messageOf(expression: string): string {
  try {
    compileCel(expression)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('it was not refused')
}

describe('expressions that are made to hurt', () => {
  test.each([
    [`${'!'.repeat(MOST_EXPRESSION_LENGTH - 4)}true`, /nested too deeply|^!/],
    [`${'('.repeat(4000)}true${')'.repeat(4000)}`, /nested too deeply/],
    [`true${'.a'.repeat(4000)}`, /nested too deeply/],
    [`1${' + 1'.repeat(2400)} == 2401`, /nested too deeply|too large/],
    [`${'['.repeat(200)}${']'.repeat(200)} == 1`, /nested too deeply/],
    ['x'.repeat(MOST_EXPRESSION_LENGTH + 1), /10001 characters, 10000 are allowed/],
    [
      ['a', 'b', 'c', 'd'].reduce(
        (inner, name) => `[${Array(20).fill('"x"').join()}].all(${name}, ${inner})`,
        'message.contains(a + b + c + d)',
      ),
      /too large/,
    ],
  ])('%.40p', (expression, said) => {
    let message = ''
    try {
      compileCel(expression).test(recordOf(ERROR))
    } catch (error) {
      message = (error as Error).message
    }
    // What can be understood may be answered; what cannot is refused in words, not by an overflow.
    if (message !== '') expect(message).toMatch(said)
  })

  test('a long chain is no deep one', () => {
    const chain = Array.from({ length: 600 }, (_, i) => `pid != ${i}`).join(' && ')
    expect(fits(chain)).toBe(true)
    expect(fits(`user in [${Array.from({ length: 900 }, (_, i) => `"u${i}"`).join()}, "app"]`)).toBe(true)
  })
})

test('what is known of an expression', () => {
  const filter = compileCel(' dbname=="shop"&&message.matches( "a.*b" ) ')
  expect(filter.canonical).toBe('dbname == "shop" && message.matches("a.*b")')
  expect(filter.keys).toEqual(['dbname', 'message'])
  expect(filter.patterns.map(({ engine }) => engine)).toEqual(['re2'])
  expect(filter.always).toBeUndefined()
  expect(compileCel('1 < 2 || dbname == "x"').always).toBe(true)
  expect(compileCel('false && dbname == "x"').always).toBe(false)
  expect(compileCel('level >= ERROR && dbname == "shop" && pid == 1').deep).toBe(false)
  expect(compileCel('dbname == "shöp"').deep).toBe(true)
})

test.each([
  ['pid-(txid-1)==1', 'pid - (txid - 1) == 1'],
  ['(pid-txid)-1==1', 'pid - txid - 1 == 1'],
  ['-(-pid) == 1 && !(!truncated)', '-(-pid) == 1 && !(!truncated)'],
  ['(true||truncated)&&(false||true&&true)', '(true || truncated) && (false || true && true)'],
  [
    '(truncated?true:false)?true:(true?false:true)',
    '(truncated ? true : false) ? true : true ? false : true',
  ],
  ['(message+"é\\n").contains(r"\\d")', '(message + "é\\n").contains("\\\\d")'],
  ['duration_ms>=2.0&&duration_ms<1e300&&pid in[1u,2]', undefined],
])('%s is understood as %p', (source, canonical) => {
  const filter = compileCel(source)
  if (canonical !== undefined) expect(filter.canonical).toBe(canonical)
  expect(compileCel(filter.canonical).canonical).toBe(filter.canonical)
})
