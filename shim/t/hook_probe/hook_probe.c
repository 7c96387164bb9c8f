/*-------------------------------------------------------------------------
 *
 * hook_probe.c
 *	  Another user of emit_log_hook, for the tests of the chain.
 *
 * Writes what it sees to a file, and takes records that ask for it out of the
 * server's log, as a filter of somebody else would.  It is built twice, under
 * two names, to be loaded before and after the module that is tested.
 *
 * probe_raise() makes records that SQL cannot: of any level, with every field,
 * hidden or not.  probe_raise(level, message, everything, hidden)
 *
 * IDENTIFICATION
 *	  shim/t/hook_probe/hook_probe.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/elog.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(probe_raise);

static emit_log_hook_type prev_emit_log_hook = NULL;

void		_PG_init(void);

/* One line per record: kept or hidden, and its message. */
static void
probe(ErrorData *edata)
{
	int			saved_errno = errno;
	char		line[256];
	int			fd;
	int			length;

	length = snprintf(line, sizeof(line), "%s %s\n",
					  edata->output_to_server ? "kept" : "hidden",
					  edata->message != NULL ? edata->message : "");
	fd = open(PROBE_NAME ".seen", O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd >= 0)
	{
		if (write(fd, line, Min(length, (int) sizeof(line) - 1)) < 0)
			length = 0;
		close(fd);
	}

	if (edata->message != NULL &&
		strcmp(edata->message, "hide me from " PROBE_NAME) == 0)
		edata->output_to_server = false;

	errno = saved_errno;
	if (prev_emit_log_hook)
		(*prev_emit_log_hook) (edata);
}

Datum
probe_raise(PG_FUNCTION_ARGS)
{
	int			level = PG_GETARG_INT32(0);
	char	   *message = text_to_cstring(PG_GETARG_TEXT_PP(1));
	bool		everything = PG_GETARG_BOOL(2);
	bool		hidden = PG_GETARG_BOOL(3);

	ereport(level,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("%s", message),
			 everything ? errdetail("for the client") : 0,
			 everything ? errdetail_log("for the log\nin two lines") : 0,
			 everything ? errhint("do \"this\"") : 0,
			 everything ? errcontext("in %s", "context") : 0,
			 everything ? internalerrquery("SELECT inner") : 0,
			 everything ? internalerrposition(3) : 0,
			 everything ? errposition(5) : 0,
			 everything ? err_generic_string(PG_DIAG_SCHEMA_NAME, "s") : 0,
			 everything ? err_generic_string(PG_DIAG_TABLE_NAME, "t") : 0,
			 everything ? err_generic_string(PG_DIAG_COLUMN_NAME, "c") : 0,
			 everything ? err_generic_string(PG_DIAG_DATATYPE_NAME, "d") : 0,
			 everything ? err_generic_string(PG_DIAG_CONSTRAINT_NAME, "k") : 0,
			 everything ? errbacktrace() : 0,
			 hidden ? errhidestmt(true) : 0,
			 hidden ? errhidecontext(true) : 0));
	PG_RETURN_VOID();
}

void
_PG_init(void)
{
	/* As a library of SQL functions it is no hook. */
	if (!process_shared_preload_libraries_in_progress)
		return;
	prev_emit_log_hook = emit_log_hook;
	emit_log_hook = probe;
}
