/*-------------------------------------------------------------------------
 *
 * hook_bench.c
 *	  What emit_log_hook costs the process that calls it.
 *
 * Calls the hook as elog.c would, many times, with a record that only this
 * module sees: nothing reaches the server's log or the client.  Processor
 * time is what is measured, because a machine with fewer cores than writers
 * makes them wait for each other whatever the hook does; the slowest single
 * call is taken from the clock.
 *
 * IDENTIFICATION
 *	  bench/shim/hook/hook_bench.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/resource.h>
#include <time.h>

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/elog.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(hook_bench);

static int64
nanoseconds(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64) ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* hook_bench(records, bytes): cpu ns a record, slowest ns, minor faults */
Datum
hook_bench(PG_FUNCTION_ARGS)
{
	int			records = PG_GETARG_INT32(0);
	int			bytes = PG_GETARG_INT32(1);
	ErrorData	edata;
	TupleDesc	tupdesc;
	struct rusage before;
	struct rusage after;
	int64		started;
	int64		spent;
	int64		last;
	int64		slowest = 0;
	Datum		values[3];
	bool		nulls[3] = {0};
	int			i;

	if (emit_log_hook == NULL)
		ereport(ERROR, (errmsg("nothing uses emit_log_hook")));
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	memset(&edata, 0, sizeof(edata));
	edata.elevel = LOG;
	edata.filename = "postgres.c";
	edata.lineno = 1234;
	edata.funcname = "exec_simple_query";
	edata.message = palloc(bytes + 1);
	memset(edata.message, 'x', bytes);
	edata.message[bytes] = '\0';
	edata.message_id = "statement: %s";
	edata.hide_stmt = true;

	getrusage(RUSAGE_SELF, &before);
	started = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
	last = nanoseconds(CLOCK_MONOTONIC);
	for (i = 0; i < records; i++)
	{
		int64		now;

		edata.output_to_server = true;
		(*emit_log_hook) (&edata);
		now = nanoseconds(CLOCK_MONOTONIC);
		slowest = Max(slowest, now - last);
		last = now;
	}
	spent = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - started;
	getrusage(RUSAGE_SELF, &after);

	values[0] = Float8GetDatum((double) spent / records);
	values[1] = Int64GetDatum(slowest);
	values[2] = Int64GetDatum((int64) (after.ru_minflt - before.ru_minflt));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
											 values, nulls));
}
