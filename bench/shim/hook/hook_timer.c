/*-------------------------------------------------------------------------
 *
 * hook_timer.c
 *	  What emit_log_hook takes in sessions that do other things in between.
 *
 * Loaded behind the module, it is called first and takes the time of those
 * before it.  A process that ends adds a line to hook_timer.txt in the data
 * directory: how many calls, and their nanoseconds together.  Calls that were
 * interrupted (over ten times what one may take) are left out.
 *
 * IDENTIFICATION
 *	  bench/shim/hook/hook_timer.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <stdio.h>
#include <time.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/elog.h"

#define MOST_NANOSECONDS	10000

PG_MODULE_MAGIC;

void		_PG_init(void);

static emit_log_hook_type next_hook = NULL;
static int	owner = 0;
static int64 calls;
static int64 spent;

static int64
nanoseconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64) ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
write_line(int code, Datum arg)
{
	FILE	   *file = fopen("hook_timer.txt", "a");

	if (file == NULL)
		return;
	fprintf(file, "%lld %lld\n", (long long) calls, (long long) spent);
	fclose(file);
}

static void
timed_emit_log(ErrorData *edata)
{
	int64		began = nanoseconds();
	int64		took;

	(*next_hook) (edata);
	took = nanoseconds() - began;

	if (owner != MyProcPid)
	{
		owner = MyProcPid;
		calls = spent = 0;
		on_proc_exit(write_line, (Datum) 0);
	}
	if (took < MOST_NANOSECONDS)
	{
		calls++;
		spent += took;
	}
}

void
_PG_init(void)
{
	next_hook = emit_log_hook;
	if (next_hook != NULL)
		emit_log_hook = timed_emit_log;
}
