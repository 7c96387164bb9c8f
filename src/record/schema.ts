import { z } from 'zod'
import { SEVERITIES } from '../codec/severity.ts'

/**
 * The canonical event as a schema: what `json.ts` writes, key by key and in its order. It documents and tests; nothing
 * that handles records imports it.
 */

// JSON has one kind of number. A reader that takes it for a double loses digits above 2^53, the text does not.
const int64 = z
  .number()
  .refine(Number.isInteger, 'must be an integer')
  .meta({ type: 'integer', format: 'int64' })

const position = z.int32().positive()
const milliseconds = z.number().nonnegative()

/** One log record, as pgturret's `json` format and every exporter that sends JSON write it. */
export const eventSchema = z.strictObject({
  timestamp: z
    .string()
    .describe(
      'Time of the message with milliseconds, in the zone of `log_timezone`, as the server writes it.',
    ),
  user: z.string().optional().describe('Name of the connected user; absent outside of a client session.'),
  dbname: z.string().optional().describe('Database connected to; absent outside of a client session.'),
  pid: z.int32().describe('Process id of the server process that wrote the message.'),
  remote_host: z
    .string()
    .optional()
    .describe('Client address or name, `[local]` for a Unix socket; absent outside of a client session.'),
  remote_port: z
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe('Client port; absent for a Unix socket and outside of a client session.'),
  session_id: z.string().describe('Session id: start time and process id, both in hex, a point between.'),
  line_num: int64.describe('Number of the message in its session, from 1. A gap is a lost message.'),
  ps: z.string().optional().describe('What the process status shows: the command tag or the activity.'),
  session_start: z.string().describe('Time at which the process started, in the zone of `log_timezone`.'),
  vxid: z.string().optional().describe('Virtual transaction id, `backend/local`.'),
  txid: int64.describe('Transaction id; 0 when none was assigned.'),
  error_severity: z
    .enum(SEVERITIES)
    .describe('Severity; UNKNOWN for a number that the server version does not have.'),
  state_code: z
    .string()
    .optional()
    .describe('SQLSTATE, five characters; left out when it is 00000, success.'),
  message: z.string().optional().describe('Primary message, in the language of `lc_messages`.'),
  detail: z.string().optional().describe('Detail of the message; the one for the log where there are two.'),
  hint: z.string().optional().describe('Hint of the message.'),
  internal_query: z.string().optional().describe('Internally generated query in which the error occurred.'),
  internal_position: position
    .optional()
    .describe('Character in `internal_query` at which the error occurred, from 1.'),
  context: z.string().optional().describe('Call context of the error, innermost first, a line each.'),
  statement: z
    .string()
    .optional()
    .describe(
      'Statement of the client that caused the message, where `log_min_error_statement` asks for it.',
    ),
  cursor_position: position
    .optional()
    .describe('Character in `statement` at which the error occurred, from 1.'),
  func_name: z.string().optional().describe('Function of the server source in which the message was raised.'),
  file_name: z.string().optional().describe('File of the server source.'),
  file_line_num: z.int32().nonnegative().optional().describe('Line of the server source.'),
  application_name: z.string().optional().describe('Setting `application_name` of the client.'),
  backend_type: z
    .string()
    .optional()
    .describe('Kind of server process, such as `client backend` (logfebe-2).'),
  leader_pid: z
    .int32()
    .optional()
    .describe('Process id of the parallel group leader, when this process is a parallel worker (logfebe-2).'),
  query_id: int64.optional().describe('Query id; 0 when none was computed (logfebe-2).'),
  identity: z.string().describe("The server's name for itself, as its sender says; may be empty."),
  server_version: z.string().describe("The server's version text."),
  seq: int64
    .optional()
    .describe(
      'Place in the order of everything that this server logged since its ring was made (logfebe-2).',
    ),
  uid: z.string().describe('Unique id, the same whenever the same record is read: for telling duplicates.'),
  sqlstate_name: z
    .string()
    .optional()
    .describe('Condition name of `state_code`, such as `unique_violation`.'),
  duration_ms: milliseconds
    .optional()
    .describe('The number of a duration message, in milliseconds, whatever `lc_messages` is.'),
  parse_ms: milliseconds
    .optional()
    .describe('`duration_ms` again, when it is about the parse step of a statement.'),
  bind_ms: milliseconds
    .optional()
    .describe('`duration_ms` again, when it is about the bind step of a statement.'),
  message_id: z
    .string()
    .optional()
    .describe('Untranslated format string of the message, for grouping (logfebe-2).'),
  schema_name: z.string().optional().describe('Schema that the error is about (logfebe-2).'),
  table_name: z.string().optional().describe('Table that the error is about (logfebe-2).'),
  column_name: z.string().optional().describe('Column that the error is about (logfebe-2).'),
  data_type_name: z.string().optional().describe('Data type that the error is about (logfebe-2).'),
  constraint_name: z.string().optional().describe('Constraint that the error is about (logfebe-2).'),
  backtrace: z
    .string()
    .optional()
    .describe('Stack of the server where `backtrace_functions` asks for it (logfebe-2).'),
  truncated: z
    .literal(true)
    .optional()
    .describe('Present when the sender cut the record at `pgturret.max_record_size` (logfebe-2).'),
  original_bytes: int64.optional().describe('Size of the record before it was cut, in bytes (logfebe-2).'),
  trace_id: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional()
    .describe('Trace id of the W3C `traceparent` in a comment of the statement.'),
  span_id: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional()
    .describe('Parent span id of that `traceparent`.'),
  trace_flags: z
    .string()
    .regex(/^[0-9a-f]{2}$/)
    .optional()
    .describe('Flags of that `traceparent`, two hex digits.'),
})

/** One log record in its canonical form, as far as JSON numbers can hold it. */
export type Event = z.infer<typeof eventSchema>
