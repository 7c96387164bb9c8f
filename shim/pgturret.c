/*-------------------------------------------------------------------------
 *
 * pgturret.c
 *	  Log records of a PostgreSQL instance, to a listener on a unix socket.
 *
 * emit_log_hook runs in every process of the instance: the postmaster, where
 * an ERROR would be FATAL; inside critical sections, where it would be PANIC;
 * before shared memory exists and after it has gone.  So what it calls
 * (frame.c, ring.c) raises nothing, waits for nothing, allocates nothing and
 * takes no lock.  The one system call is a signal to a sleeping worker.
 *
 * IDENTIFICATION
 *	  shim/pgturret.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>
#include <signal.h>
#include <sys/un.h>

#include "compat.h"
#include "fmgr.h"
#include "funcapi.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "frame.h"
#include "ring.h"
#include "sender.h"
#include "store.h"

PGTURRET_MODULE_MAGIC;

#define QUEUE_SIZE_DEFAULT	16384	/* kB */
#define QUEUE_SIZE_MIN		1024
#define QUEUE_SIZE_MAX		(1024 * 1024)
#define RECORD_SIZE_DEFAULT 1024
#define RECORD_SIZE_MIN		4
#define RECORD_SIZE_MAX		8191

typedef enum ServerLog
{
	SERVER_LOG_KEEP,
	SERVER_LOG_SKIP
} ServerLog;

static const struct config_enum_entry server_log_options[] = {
	{"keep", SERVER_LOG_KEEP, false},
	{"skip", SERVER_LOG_SKIP, false},
	{NULL, 0, false}
};

/* settings */
char	   *pgturret_socket = NULL;
char	   *pgturret_identity = NULL;
int			pgturret_protocol_version = 2;
static char *ring_directory = NULL;
static int	queue_size = QUEUE_SIZE_DEFAULT;
static int	max_record_size = RECORD_SIZE_DEFAULT;
static int	server_log = SERVER_LOG_KEEP;

/* saved hooks */
static emit_log_hook_type prev_emit_log_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

/* the ring, NULL until it exists */
PgturretRing *pgturret_ring = NULL;
static PgturretRing ring_view;

/* the process whose hook is running, so that a fork does not inherit it */
static int	hook_pid = 0;

void		_PG_init(void);

PG_FUNCTION_INFO_V1(pgturret_stat);
PG_FUNCTION_INFO_V1(pgturret_stat_severity);

/* The socket's path must be absolute and fit its address. */
static bool
check_socket(char **newval, void **extra, GucSource source)
{
	struct sockaddr_un address;

	if (*newval == NULL || (*newval)[0] != '/')
	{
		GUC_check_errdetail("\"pgturret.socket\" must be an absolute path.");
		return false;
	}
	if (strlen(*newval) >= sizeof(address.sun_path))
	{
		GUC_check_errdetail("\"pgturret.socket\" must be shorter than %d bytes.",
							(int) sizeof(address.sun_path));
		return false;
	}
	return true;
}

/* The identity travels in one frame that every receiver takes. */
static bool
check_identity(char **newval, void **extra, GucSource source)
{
	if (*newval != NULL && strlen(*newval) >= 1000)
	{
		GUC_check_errdetail("\"pgturret.identity\" must be shorter than 1000 bytes.");
		return false;
	}
	return true;
}

/* Queue one record.  False if it was counted as dropped. */
static bool
queue_record(ErrorData *edata)
{
	bool		queued;
	int			worker;

	/*
	 * A signal handler that logs (quickdie) can come while we write another
	 * record.  That one has the statics of frame.c.
	 */
	if (hook_pid == MyProcPid)
	{
		pgturret_ring_count_drop(pgturret_ring,
								 pgturret_elevel_class(edata->elevel));
		return false;
	}

	hook_pid = MyProcPid;
	queued = pgturret_frame_emit(pgturret_ring, edata,
								 (size_t) max_record_size * 1024,
								 server_log == SERVER_LOG_KEEP);
	hook_pid = 0;

	if (queued && pgturret_ring_claim_wakeup(pgturret_ring, &worker))
		kill(worker, SIGUSR1);
	return queued;
}

/*
 * The hook.  Predecessors come first: a record that one of them keeps from
 * the server log is none for us either.
 */
static void
pgturret_emit_log(ErrorData *edata)
{
	int			saved_errno = errno;

	if (prev_emit_log_hook)
		(*prev_emit_log_hook) (edata);

	if (edata->output_to_server)
	{
		pgturret_line_written();
		if (pgturret_ring != NULL && queue_record(edata) &&
			server_log == SERVER_LOG_SKIP)
			edata->output_to_server = false;
	}

	errno = saved_errno;
}

/*
 * Shared memory is made or made anew, by the postmaster.  After a crash of a
 * backend its children are gone, so this is the moment to find claims whose
 * writers died, before their pids are used again.  Children without shared
 * memory (the logging collector, a backend that only turns a client away)
 * may live on, hence the question to the kernel.
 */
static void
pgturret_shmem_startup(void)
{
	if (prev_shmem_startup_hook)
		(*prev_shmem_startup_hook) ();

	if (pgturret_ring != NULL && !IsUnderPostmaster)
	{
		pgturret_store(&pgturret_ring->header->sleeping, 0);
		pgturret_store(&pgturret_ring->header->worker_pid, 0);
		pgturret_store(&pgturret_ring->header->connected, 0);
		pgturret_ring_bury_all(pgturret_ring, pgturret_process_gone);
	}
}

/* The next power of two that queue_size reaches, in bytes. */
static uint64
ring_bytes(void)
{
	uint64		size = PGTURRET_RING_MIN_SIZE;

	while (size < (uint64) queue_size * 1024)
		size *= 2;
	return size;
}

static void
define_settings(void)
{
	DefineCustomStringVariable("pgturret.socket",
							   "Sets the path of the listener's unix socket.",
							   NULL,
							   &pgturret_socket,
							   "/run/pgturret/log.sock",
							   PGC_SIGHUP,
							   GUC_SUPERUSER_ONLY,
							   check_socket, NULL, NULL);
	DefineCustomStringVariable("pgturret.identity",
							   "Sets the name by which the listener knows this instance.",
							   "If empty, cluster_name is used, or else host name and port.",
							   &pgturret_identity,
							   "",
							   PGC_SIGHUP,
							   GUC_SUPERUSER_ONLY,
							   check_identity, NULL, NULL);
	DefineCustomIntVariable("pgturret.queue_size",
							"Sets the size of the ring that holds records until they are acknowledged.",
							"It is rounded up to a power of two.",
							&queue_size,
							QUEUE_SIZE_DEFAULT, QUEUE_SIZE_MIN, QUEUE_SIZE_MAX,
							PGC_POSTMASTER,
							GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomStringVariable("pgturret.ring_directory",
							   "Sets the directory of the ring's file, which should be in memory.",
							   "If empty, the ring has no file, and is lost when the postmaster is killed.",
							   &ring_directory,
							   "/dev/shm",
							   PGC_POSTMASTER,
							   GUC_SUPERUSER_ONLY,
							   NULL, NULL, NULL);
	DefineCustomIntVariable("pgturret.max_record_size",
							"Sets the size at which a record is cut.",
							"A record never takes more than an eighth of the ring.",
							&max_record_size,
							RECORD_SIZE_DEFAULT, RECORD_SIZE_MIN,
							RECORD_SIZE_MAX,
							PGC_SIGHUP,
							GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomIntVariable("pgturret.protocol_version",
							"Sets the version of the logfebe protocol.",
							"Version 1 is for receivers that do not acknowledge.",
							&pgturret_protocol_version,
							2, 1, 2,
							PGC_SIGHUP,
							0,
							NULL, NULL, NULL);
	DefineCustomEnumVariable("pgturret.server_log",
							 "Sets whether queued records also go to the server log.",
							 "Records that could not be queued always do.",
							 &server_log,
							 SERVER_LOG_KEEP,
							 server_log_options,
							 PGC_SIGHUP,
							 0,
							 NULL, NULL, NULL);
	pgturret_reserve_prefix();
}

void
_PG_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;

	define_settings();

	/* Before the ring exists, so that line numbers are the server's. */
	prev_emit_log_hook = emit_log_hook;
	emit_log_hook = pgturret_emit_log;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = pgturret_shmem_startup;

	if (!pgturret_store_open(&ring_view, ring_directory, ring_bytes()))
		return;
	pgturret_ring = &ring_view;

	pgturret_register_sender();
}

static void
require_ring(void)
{
	if (pgturret_ring == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("pgturret must be loaded via \"%s\"",
						"shared_preload_libraries")));
}

static int64
sum_of(const uint64_t *counters)
{
	uint64		sum = 0;
	int			i;

	for (i = 0; i < PGTURRET_CLASSES; i++)
		sum += counters[i];
	return (int64) sum;
}

/* One row about the whole. */
Datum
pgturret_stat(PG_FUNCTION_ARGS)
{
	PgturretStats stats;
	PgturretHeader *header;
	TupleDesc	tupdesc;
	Datum		values[15];
	bool		nulls[15] = {0};
	char		error[PGTURRET_ERROR_TEXT];
	bool		connected;
	uint64		next;
	int			i;
	int			n = 0;

	require_ring();
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	header = pgturret_ring->header;
	pgturret_ring_stats(pgturret_ring, &stats);
	pgturret_ring_get_error(pgturret_ring, error);
	connected = pgturret_load(&header->connected) != 0;

	/* What the next record will be numbered, markers still to come aside. */
	next = stats.tail.seq;
	for (i = 0; i < PGTURRET_CLASSES; i++)
		next += stats.held[i] + stats.dropped[i] - stats.tail.died[i] -
			stats.tail.announced[i];

	values[n++] = Int64GetDatum(sum_of(stats.emitted));
	values[n++] = Int64GetDatum((int64) pgturret_load(&header->delivered));
	values[n++] = Int64GetDatum(sum_of(stats.tail.acked));
	values[n++] = Int64GetDatum(sum_of(stats.held));
	values[n++] = Int64GetDatum(sum_of(stats.dropped));
	values[n++] = Int64GetDatum((int64) header->data_size);
	values[n++] = Int64GetDatum((int64) stats.used_bytes);
	values[n++] = Int64GetDatum((int64) stats.high_water);
	values[n++] = BoolGetDatum(connected);
	nulls[n] = !connected;
	values[n++] = TimestampTzGetDatum((TimestampTz)
									  pgturret_load(&header->connected_since) -
									  (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) *
									  USECS_PER_DAY);
	values[n++] = Int64GetDatum((int64) pgturret_load(&header->connects));
	nulls[n] = error[0] == '\0';
	values[n++] = CStringGetTextDatum(error);
	values[n++] = Int64GetDatum((int64) pgturret_load(&header->boot_id));
	values[n++] = Int64GetDatum((int64) next);
	values[n++] = Int32GetDatum(pgturret_protocol_version);

	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
											 values, nulls));
}

/* One row per severity, by its name in this server's log. */
Datum
pgturret_stat_severity(PG_FUNCTION_ARGS)
{
	static const struct
	{
		const char *name;
		int			first;
		int			last;
	}			severities[] = {
		{"DEBUG5", DEBUG5, DEBUG5},
		{"DEBUG4", DEBUG4, DEBUG4},
		{"DEBUG3", DEBUG3, DEBUG3},
		{"DEBUG2", DEBUG2, DEBUG2},
		{"DEBUG1", DEBUG1, DEBUG1},
		{"LOG", LOG, LOG_SERVER_ONLY},
		{"INFO", INFO, INFO},
		{"NOTICE", NOTICE, NOTICE},
		{"WARNING", WARNING, ERROR - 1},
		{"ERROR", ERROR, ERROR},
		{"FATAL", FATAL, PANIC - 1},
		{"PANIC", PANIC, PANIC},
	};
	FuncCallContext *context;
	PgturretStats *stats;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		TupleDesc	tupdesc;

		require_ring();
		context = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(context->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		context->tuple_desc = BlessTupleDesc(tupdesc);
		stats = palloc(sizeof(PgturretStats));
		pgturret_ring_stats(pgturret_ring, stats);
		context->user_fctx = stats;
		context->max_calls = lengthof(severities);
		MemoryContextSwitchTo(old);
	}

	context = SRF_PERCALL_SETUP();
	stats = context->user_fctx;
	if (context->call_cntr < context->max_calls)
	{
		uint64		at = context->call_cntr;
		uint64		counters[4] = {0};
		Datum		values[5];
		bool		nulls[5] = {0};
		int			elevel;
		int			i;

		for (elevel = severities[at].first; elevel <= severities[at].last;
			 elevel++)
		{
			unsigned	class = pgturret_elevel_class(elevel);

			counters[0] += stats->emitted[class];
			counters[1] += stats->tail.acked[class];
			counters[2] += stats->held[class];
			counters[3] += stats->dropped[class];
		}
		values[0] = CStringGetTextDatum(severities[at].name);
		for (i = 0; i < 4; i++)
			values[i + 1] = Int64GetDatum((int64) counters[i]);
		SRF_RETURN_NEXT(context,
						HeapTupleGetDatum(heap_form_tuple(context->tuple_desc,
														  values, nulls)));
	}
	SRF_RETURN_DONE(context);
}
