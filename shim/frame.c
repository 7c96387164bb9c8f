/*-------------------------------------------------------------------------
 *
 * frame.c
 *	  From ErrorData to an L frame in the ring, and from there to the wire.
 *
 * pgturret_frame_emit() runs inside emit_log_hook: in any process, with any
 * or none of MyProc, MyProcPort and a database, inside critical sections and
 * with ErrorContext current.  It measures every field once, takes room in
 * the ring and writes straight into it.  It allocates nothing, makes no
 * system call (reading the clock is none on Linux) and cannot raise.
 *
 * IDENTIFICATION
 *	  shim/frame.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/time.h>

#include "compat.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/ps_status.h"
#include "utils/timestamp.h"

#include "frame.h"

#define UNIX_EPOCH_MICROS \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

#define FLAG_TRUNCATED	1

/* The text fields of a frame, in wire order. */
enum TextField
{
	F_LOG_TIME,
	F_USER,
	F_DATABASE,
	F_CLIENT,
	F_SESSION_ID,
	F_PS,
	F_SESSION_START,
	F_VXID,
	F_SQLSTATE,
	F_MESSAGE,
	F_DETAIL,
	F_HINT,
	F_INTERNAL_QUERY,
	F_CONTEXT,
	F_STATEMENT,
	F_PLACE,
	F_APPLICATION,
	F_BACKEND_TYPE,
	F_MESSAGE_ID,
	F_SCHEMA,
	F_TABLE,
	F_COLUMN,
	F_DATA_TYPE,
	F_CONSTRAINT,
	F_BACKTRACE,
	F_ENCODING,
	TEXT_FIELDS
};

/* Everything in a payload that is not text: 6 int32 and 6 int64 fields. */
#define FIXED_BYTES		(6 * 4 + 6 * 8)

/*
 * A payload without text: each text field has N or P and a NUL, those that are
 * never null (log time, session id, session start, encoding) the NUL alone.
 */
#define PLAIN_FIELDS	4
#define EMPTY_PAYLOAD	(FIXED_BYTES + 2 * TEXT_FIELDS - PLAIN_FIELDS)

/* User, database, process id, client and session id without their texts. */
#define EMPTY_SESSION	(3 * 2 + 4 + 1)

#define CLIENT_BYTES	1200

/* Two bytes for N or P and the NUL, at most, per text field. */
#define LEAST_RECORD	(sizeof(PgturretRecord) + PGTURRET_FRAME_HEADER + \
						 FIXED_BYTES + 2 * TEXT_FIELDS)

typedef struct Text
{
	const char *start;			/* NULL for null */
	size_t		length;
} Text;

/* State of this process, not of the one that forked it. */
static int	my_pid = 0;
static int64 line_number = 0;
static char session_id[40];
static size_t session_id_length;

/*
 * The fields from user to session id as they go over the wire, which are the
 * same in every record of a session.  None when the length is 0.
 */
static unsigned char session_fields[512];
static size_t session_length;

/* Formatted second, kept until the second or the time zone changes. */
static pg_time_t second_cached = -1;
static pg_tz *second_zone = NULL;
static char second_text[128];
static size_t second_length;

/* Start over in a process that inherited its parent's statics. */
static void
become_process(void)
{
	if (my_pid == MyProcPid)
		return;
	my_pid = MyProcPid;
	line_number = 0;
	second_cached = -1;
	session_length = 0;
	session_id_length = (size_t) snprintf(session_id, sizeof(session_id),
										  "%llx.%x",
										  (long long) MyStartTime, MyProcPid);
	pgturret_reset_start_time();
}

/*
 * Count a line of this process.  The server counts every message, whether or
 * not there was room for it in our ring.
 */
void
pgturret_line_written(void)
{
	become_process();
	line_number++;
}

unsigned
pgturret_elevel_class(int elevel)
{
	int			class = elevel - PGTURRET_ELEVEL_BASE;

	if (class < 0)
		return 0;
	return class < PGTURRET_CLASSES ? class : PGTURRET_CLASSES - 1;
}

/* Decimal digits of a number.  Returns the end. */
static char *
put_number(char *to, int64 number)
{
	char		digits[20];
	int			n = 0;
	uint64		rest = number < 0 ? 0 - (uint64) number : (uint64) number;

	if (number < 0)
		*to++ = '-';
	do
	{
		digits[n++] = '0' + rest % 10;
		rest /= 10;
	} while (rest != 0);
	while (n > 0)
		*to++ = digits[--n];
	return to;
}

/* Copy text as far as there is room.  Returns the end. */
static char *
put_bounded(char *to, const char *end, const char *text)
{
	size_t		length = strlen(text);

	if (length > (size_t) (end - to))
		length = end - to;
	memcpy(to, text, length);
	return to + length;
}

/*
 * The time of the record, as text with milliseconds and in microseconds.
 *
 * When the server writes the record to its own log too, the text is the
 * server's where that is known already, so that both logs agree to the
 * digit; the microseconds are then brought into that millisecond.  Servers
 * before 17 forget the time of the last message only after the hook, so one
 * that lies before our own reading is a leftover, and ours is used.
 */
static int64
log_time(Text *text, bool share)
{
	static char buffer[160];
	struct timeval now;
	pg_time_t	second;
	int			milli;
	int64		micros;

	gettimeofday(&now, NULL);
	second = (pg_time_t) now.tv_sec;
	micros = (int64) now.tv_sec * 1000000 + now.tv_usec;

	if (second != second_cached || log_timezone != second_zone)
	{
		/* Room for the milliseconds, which follow the seconds. */
		second_length = pg_strftime(second_text, sizeof(second_text),
									"%Y-%m-%d %H:%M:%S     %Z",
									pg_localtime(&second, log_timezone));
		second_cached = second;
		second_zone = log_timezone;
	}

	memcpy(buffer, second_text, second_length);
	buffer[second_length] = '\0';
	milli = now.tv_usec / 1000;
	if (second_length > 23)
	{
		buffer[19] = '.';
		buffer[20] = '0' + milli / 100;
		buffer[21] = '0' + milli / 10 % 10;
		buffer[22] = '0' + milli % 10;
	}
	text->start = buffer;
	text->length = second_length;

	if (share && PGTURRET_HAVE_SERVER_LOG_TIME && second_length > 23)
	{
		const char *theirs = pgturret_server_log_time();
		size_t		length = strlen(theirs);

		if (length == second_length && memcmp(theirs, buffer, 17) == 0 &&
			theirs[19] == '.')
		{
			/* In the same minute, the last five digits tell the difference. */
			int			mine = (buffer[17] - '0') * 10000 +
				(buffer[18] - '0') * 1000 + milli;
			int			other = (theirs[17] - '0') * 10000 +
				(theirs[18] - '0') * 1000 + (theirs[20] - '0') * 100 +
				(theirs[21] - '0') * 10 + (theirs[22] - '0');

			if (other > mine ||
				(other < mine && PGTURRET_SERVER_LOG_TIME_FRESH))
			{
				micros = (micros / 1000 + (other - mine)) * 1000;
				text->start = theirs;
			}
		}
	}
	return micros;
}

static inline void
set_text(Text *text, const char *value)
{
	text->start = value;
	text->length = value != NULL ? strlen(value) : 0;
}

/* Longest prefix of at most limit bytes that ends on a character border. */
static size_t
clip(const Text *text, size_t limit)
{
	int			encoding = GetDatabaseEncoding();

	if (text->length <= limit)
		return text->length;
	if (encoding == PG_UTF8)
	{
		while (limit > 0 && ((unsigned char) text->start[limit] & 0xC0) == 0x80)
			limit--;
		return limit;
	}
	if (pg_encoding_max_length(encoding) == 1)
		return limit;
	return pg_encoding_mbcliplen(encoding, text->start, (int) text->length,
								 (int) limit);
}

/* Cut the longest fields to one common length, so that all fit in room. */
static void
shorten(Text *texts, size_t room)
{
	size_t		low = 0;
	size_t		high = room;
	int			i;

	while (low < high)
	{
		size_t		middle = low + (high - low + 1) / 2;
		size_t		sum = 0;

		for (i = 0; i < TEXT_FIELDS; i++)
			sum += Min(texts[i].length, middle);
		if (sum <= room)
			low = middle;
		else
			high = middle - 1;
	}
	for (i = 0; i < TEXT_FIELDS; i++)
	{
		if (texts[i].start != NULL)
			texts[i].length = clip(&texts[i], low);
	}
}

static inline unsigned char *
put_int32(unsigned char *to, int32 value)
{
	uint32		wire = pg_hton32((uint32) value);

	memcpy(to, &wire, 4);
	return to + 4;
}

static inline unsigned char *
put_int64(unsigned char *to, int64 value)
{
	uint64		wire = pg_hton64((uint64) value);

	memcpy(to, &wire, 8);
	return to + 8;
}

static inline unsigned char *
put_plain(unsigned char *to, const Text *text)
{
	memcpy(to, text->start, text->length);
	to += text->length;
	*to++ = '\0';
	return to;
}

static inline unsigned char *
put_nullable(unsigned char *to, const Text *text)
{
	if (text->start == NULL)
	{
		*to++ = 'N';
		*to++ = '\0';
		return to;
	}
	*to++ = 'P';
	return put_plain(to, text);
}

/* Bytes of text in all fields. */
static inline size_t
all_lengths(const Text *texts)
{
	size_t		sum = 0;
	int			i;

	for (i = 0; i < TEXT_FIELDS; i++)
		sum += texts[i].length;
	return sum;
}

/*
 * User, database, client and session id.  client has room for CLIENT_BYTES.
 */
static void
session_texts(Text *texts, char *client)
{
	if (MyProcPort != NULL)
	{
		set_text(&texts[F_USER], MyProcPort->user_name);
		set_text(&texts[F_DATABASE], MyProcPort->database_name);
		if (MyProcPort->remote_host != NULL)
		{
			char	   *end = put_bounded(client, client + CLIENT_BYTES - 64,
										  MyProcPort->remote_host);

			if (MyProcPort->remote_port != NULL &&
				MyProcPort->remote_port[0] != '\0')
			{
				*end++ = ':';
				end = put_bounded(end, client + CLIENT_BYTES,
								  MyProcPort->remote_port);
			}
			texts[F_CLIENT].start = client;
			texts[F_CLIENT].length = end - client;
		}
	}
	texts[F_SESSION_ID].start = session_id;
	texts[F_SESSION_ID].length = session_id_length;
}

static unsigned char *
put_session(unsigned char *to, const Text *texts)
{
	to = put_nullable(to, &texts[F_USER]);
	to = put_nullable(to, &texts[F_DATABASE]);
	to = put_int32(to, MyProcPid);
	to = put_nullable(to, &texts[F_CLIENT]);
	return put_plain(to, &texts[F_SESSION_ID]);
}

/*
 * Fill session_fields, if it is time: once a session has a database, nobody
 * changes any more what MyProcPort says of it.
 */
static bool
learn_session(void)
{
	Text		texts[TEXT_FIELDS] = {{NULL, 0}};
	char		client[CLIENT_BYTES];

	if (MyProcPort == NULL || !OidIsValid(MyDatabaseId))
		return false;
	session_texts(texts, client);
	if (EMPTY_SESSION + all_lengths(texts) > sizeof(session_fields))
		return false;
	session_length = put_session(session_fields, texts) - session_fields;
	return true;
}

/*
 * Queue a record.  False if it was counted as dropped instead.
 */
bool
pgturret_frame_emit(PgturretRing *ring, ErrorData *edata, size_t max_record,
					bool share_log_time)
{
	Text		texts[TEXT_FIELDS];
	char		client[CLIENT_BYTES];
	char		vxid[32];
	char		sqlstate[6];
	char		place[512];
	char		start_time[128];
	PgturretClaim claim;
	PgturretRecord record;
	int64		micros;
	int64		original = 0;
	int			backend;
	uint32		local;
	int			sixbits;
	size_t		payload;
	size_t		limit;
	unsigned char *frame;
	unsigned char *to;
	char	   *end;
	int			i;
	bool		statement;
	bool		known;
	unsigned	class = pgturret_elevel_class(edata->elevel);

	become_process();

	pgturret_ring_expect_head(ring);
	micros = log_time(&texts[F_LOG_TIME], share_log_time);
	pgturret_ring_expect(ring);

	memset(&texts[F_USER], 0, sizeof(Text) * (TEXT_FIELDS - 1));
	known = session_length > 0 || learn_session();
	if (!known)
		session_texts(texts, client);
	if (MyProcPort != NULL)
	{
		int			length;

		texts[F_PS].start = get_ps_display(&length);
		texts[F_PS].length = texts[F_PS].start != NULL ?
			strnlen(texts[F_PS].start, length) : 0;
	}
	set_text(&texts[F_SESSION_START], pgturret_start_time(start_time));
	if (pgturret_vxid(&backend, &local))
	{
		end = put_number(vxid, backend);
		*end++ = '/';
		end = put_number(end, local);
		texts[F_VXID].start = vxid;
		texts[F_VXID].length = end - vxid;
	}

	sixbits = edata->sqlerrcode;
	for (i = 0; i < 5; i++, sixbits >>= 6)
		sqlstate[i] = PGUNSIXBIT(sixbits);
	texts[F_SQLSTATE].start = sqlstate;
	texts[F_SQLSTATE].length = 5;

	set_text(&texts[F_MESSAGE], edata->message);
	set_text(&texts[F_DETAIL], edata->detail_log != NULL ?
			 edata->detail_log : edata->detail);
	set_text(&texts[F_HINT], edata->hint);
	set_text(&texts[F_INTERNAL_QUERY], edata->internalquery);
	set_text(&texts[F_CONTEXT], edata->hide_ctx ? NULL : edata->context);
	statement = pgturret_wants_statement(edata);
	set_text(&texts[F_STATEMENT], statement ? debug_query_string : NULL);

	if (edata->filename != NULL)
	{
		end = place;
		if (edata->funcname != NULL)
		{
			end = put_bounded(end, place + 240, edata->funcname);
			*end++ = ',';
			*end++ = ' ';
		}
		end = put_bounded(end, place + sizeof(place) - 16, edata->filename);
		*end++ = ':';
		end = put_number(end, edata->lineno);
		texts[F_PLACE].start = place;
		texts[F_PLACE].length = end - place;
	}

	set_text(&texts[F_APPLICATION], application_name);
	set_text(&texts[F_BACKEND_TYPE], pgturret_backend_type());
	set_text(&texts[F_MESSAGE_ID], edata->message_id);
	set_text(&texts[F_SCHEMA], edata->schema_name);
	set_text(&texts[F_TABLE], edata->table_name);
	set_text(&texts[F_COLUMN], edata->column_name);
	set_text(&texts[F_DATA_TYPE], edata->datatype_name);
	set_text(&texts[F_CONSTRAINT], edata->constraint_name);
	set_text(&texts[F_BACKTRACE], edata->backtrace);
	set_text(&texts[F_ENCODING], GetDatabaseEncodingName());

	payload = EMPTY_PAYLOAD + all_lengths(texts);
	if (known)
		payload += session_length - EMPTY_SESSION;

	limit = Min(max_record, pgturret_ring_max_record(ring));
	if (sizeof(record) + PGTURRET_FRAME_HEADER + payload > limit)
	{
		original = (int64) payload;
		if (known)
			session_texts(texts, client);
		known = false;
		shorten(texts, limit > LEAST_RECORD ? limit - LEAST_RECORD : 0);
		payload = EMPTY_PAYLOAD + all_lengths(texts);
	}

	record.frame_bytes = (uint32) (PGTURRET_FRAME_HEADER + payload);
	if (!pgturret_ring_reserve(ring, class,
							   sizeof(record) + record.frame_bytes,
							   MyProcPid, &claim))
		return false;

	frame = claim.data + sizeof(record);
	to = frame;
	*to++ = 'L';
	to = put_int32(to, (int32) (payload + 4));
	to = put_plain(to, &texts[F_LOG_TIME]);
	if (known)
	{
		memcpy(to, session_fields, session_length);
		to += session_length;
	}
	else
		to = put_session(to, texts);
	to = put_int64(to, line_number);
	to = put_nullable(to, &texts[F_PS]);
	to = put_plain(to, &texts[F_SESSION_START]);
	to = put_nullable(to, &texts[F_VXID]);
	to = put_int64(to, (int64) GetTopTransactionIdIfAny());
	to = put_int32(to, edata->elevel);
	to = put_nullable(to, &texts[F_SQLSTATE]);
	to = put_nullable(to, &texts[F_MESSAGE]);
	to = put_nullable(to, &texts[F_DETAIL]);
	to = put_nullable(to, &texts[F_HINT]);
	to = put_nullable(to, &texts[F_INTERNAL_QUERY]);
	to = put_int32(to, edata->internalquery != NULL &&
				   edata->internalpos > 0 ? edata->internalpos : -1);
	to = put_nullable(to, &texts[F_CONTEXT]);
	to = put_nullable(to, &texts[F_STATEMENT]);
	to = put_int32(to, statement && edata->cursorpos > 0 ?
				   edata->cursorpos : -1);
	record.place_start = (uint32) (to - frame);
	to = put_nullable(to, &texts[F_PLACE]);
	record.place_end = (uint32) (to - frame);
	to = put_nullable(to, &texts[F_APPLICATION]);
	record.first_end = (uint32) (to - frame);
	to = put_int64(to, micros);
	to = put_int64(to, MyStartTimestamp + UNIX_EPOCH_MICROS);
	to = put_nullable(to, &texts[F_BACKEND_TYPE]);
	to = put_int32(to, pgturret_leader_pid());
	to = put_int64(to, pgturret_query_id());
	to = put_nullable(to, &texts[F_MESSAGE_ID]);
	to = put_nullable(to, &texts[F_SCHEMA]);
	to = put_nullable(to, &texts[F_TABLE]);
	to = put_nullable(to, &texts[F_COLUMN]);
	to = put_nullable(to, &texts[F_DATA_TYPE]);
	to = put_nullable(to, &texts[F_CONSTRAINT]);
	to = put_nullable(to, &texts[F_BACKTRACE]);
	to = put_plain(to, &texts[F_ENCODING]);
	to = put_int32(to, original != 0 ? FLAG_TRUNCATED : 0);
	to = put_int64(to, original);
	Assert((uint32) (to - frame) == record.frame_bytes);

	record.verbose = Log_error_verbosity >= PGERROR_VERBOSE;
	record.unused = 0;
	memcpy(claim.data, &record, sizeof(record));

	return pgturret_ring_publish(&claim);
}

/*
 * Read and check what precedes a frame in the ring.  Offsets come from
 * memory that others write, so none is believed before this.
 */
bool
pgturret_record_valid(const unsigned char *data, size_t bytes,
					  PgturretRecord *record)
{
	uint32		length;

	if (bytes < sizeof(*record) + PGTURRET_FRAME_HEADER)
		return false;
	memcpy(record, data, sizeof(*record));
	if (record->frame_bytes != bytes - sizeof(*record) ||
		record->place_start < PGTURRET_FRAME_HEADER ||
		record->place_end < record->place_start ||
		record->first_end < record->place_end ||
		record->first_end > record->frame_bytes)
		return false;
	memcpy(&length, data + sizeof(*record) + 1, 4);
	return data[sizeof(*record)] == 'L' &&
		pg_ntoh32(length) == record->frame_bytes - 1;
}

/* V and I: one string.  to has room for strlen(text) + 6 bytes. */
size_t
pgturret_put_text_frame(unsigned char *to, char type, const char *text)
{
	size_t		length = strlen(text) + 1;

	to[0] = (unsigned char) type;
	put_int32(to + 1, (int32) (4 + length));
	memcpy(to + PGTURRET_FRAME_HEADER, text, length);
	return PGTURRET_FRAME_HEADER + length;
}

/* R: which ring this is, and the oldest sequence that it holds. */
size_t
pgturret_put_resume(unsigned char *to, int64 boot_id, int64 next)
{
	unsigned char *start = to;

	*to++ = 'R';
	to = put_int32(to, 4 + 16);
	to = put_int64(to, boot_id);
	to = put_int64(to, next);
	return to - start;
}

/* D: count records from first on were not kept. */
size_t
pgturret_put_drops(unsigned char *to, int64 first, int64 count, int elevel,
				   const char *reason)
{
	unsigned char *start = to;
	size_t		length = strlen(reason) + 1;

	*to++ = 'D';
	to = put_int32(to, (int32) (4 + 8 + 8 + 4 + length));
	to = put_int64(to, first);
	to = put_int64(to, count);
	to = put_int32(to, elevel);
	memcpy(to, reason, length);
	return to + length - start;
}

/*
 * The protocol 1 form of a record: its first 23 fields, and the place only
 * if log_error_verbosity asked for it.  to has room for the whole frame.
 */
size_t
pgturret_put_record1(unsigned char *to, const unsigned char *frame,
					 const PgturretRecord *record)
{
	unsigned char *start = to;

	memcpy(to, frame, record->place_start);
	to += record->place_start;
	if (record->verbose)
	{
		memcpy(to, frame + record->place_start,
			   record->place_end - record->place_start);
		to += record->place_end - record->place_start;
	}
	else
	{
		*to++ = 'N';
		*to++ = '\0';
	}
	memcpy(to, frame + record->place_end,
		   record->first_end - record->place_end);
	to += record->first_end - record->place_end;
	put_int32(start + 1, (int32) (to - start - 1));
	return to - start;
}
