/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Differences between PostgreSQL 13 and 19.  Every version test is here.
 *
 * IDENTIFICATION
 *	  shim/compat.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGTURRET_COMPAT_H
#define PGTURRET_COMPAT_H

#include "access/htup_details.h"
#include "access/xact.h"
#include "libpq/libpq-be.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "pgtime.h"
#include "postmaster/bgworker.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/elog.h"
#include "utils/guc.h"
#if PG_VERSION_NUM >= 140000
#include "utils/backend_status.h"
#include "utils/wait_event.h"
#endif

#if PG_VERSION_NUM < 130000
#error "pgturret needs PostgreSQL 13 or later"
#endif

/*
 * Headers that were made on glibc 2.38 or later leave strlcpy to it.  With an
 * older one nobody declares it, though the server or its libc has it.
 */
#if HAVE_DECL_STRLCPY && defined(__GLIBC__) && !__GLIBC_PREREQ(2, 38)
extern size_t strlcpy(char *dst, const char *src, size_t siz);
#endif

/* 18 wants a module's name and version beside its magic. */
#if PG_VERSION_NUM >= 180000
#define PGTURRET_MODULE_MAGIC \
	PG_MODULE_MAGIC_EXT(.name = "pgturret", .version = "1.0")
#else
#define PGTURRET_MODULE_MAGIC	PG_MODULE_MAGIC
#endif

#if PG_VERSION_NUM >= 150000
#define pgturret_reserve_prefix()	MarkGUCPrefixReserved("pgturret")
#else
#define pgturret_reserve_prefix()	EmitWarningsOnPlaceholders("pgturret")
#endif

/*
 * The server's own formatting, shared with jsonlog and csvlog, is of 15.  What
 * it returns inside the hook is of this record from 17 on; before, it may be
 * left over from the last one.
 */
#if PG_VERSION_NUM >= 150000
#define PGTURRET_HAVE_SERVER_LOG_TIME	1
#define PGTURRET_SERVER_LOG_TIME_FRESH	(PG_VERSION_NUM >= 170000)
#define pgturret_server_log_time()		get_formatted_log_time()
#define pgturret_reset_start_time()		reset_formatted_start_time()
#else
#define PGTURRET_HAVE_SERVER_LOG_TIME	0
#define PGTURRET_SERVER_LOG_TIME_FRESH	false
#define pgturret_server_log_time()		((const char *) NULL)
#define pgturret_reset_start_time()		((void) 0)
#endif

/* Session start, as the server's log shows it.  buf has room for 128 bytes. */
static inline const char *
pgturret_start_time(char *buf)
{
#if PG_VERSION_NUM >= 150000
	(void) buf;
	return get_formatted_start_time();
#else
	pg_time_t	stamp = (pg_time_t) MyStartTime;

	pg_strftime(buf, 128, "%Y-%m-%d %H:%M:%S %Z",
				pg_localtime(&stamp, log_timezone));
	return buf;
#endif
}

/* Does the statement belong to this record? */
static inline bool
pgturret_wants_statement(ErrorData *edata)
{
#if PG_VERSION_NUM >= 150000
	return check_log_of_query(edata);
#else
	bool		wanted;

	/* In this setting LOG ranks between ERROR and FATAL. */
	if (edata->elevel == LOG || edata->elevel == LOG_SERVER_ONLY)
		wanted = log_min_error_statement <= ERROR;
	else if (log_min_error_statement == LOG)
		wanted = edata->elevel >= FATAL;
	else
		wanted = edata->elevel >= log_min_error_statement;

	return wanted && !edata->hide_stmt && debug_query_string != NULL;
#endif
}

/*
 * As get_backend_type_for_log(), which only 15 and later have, and which
 * believes that a background worker always knows its entry.
 */
static inline const char *
pgturret_backend_type(void)
{
	if (MyProcPid == PostmasterPid)
		return "postmaster";
	if (MyBackendType == B_BG_WORKER && MyBgworkerEntry != NULL)
		return MyBgworkerEntry->bgw_type;
	return GetBackendTypeDesc(MyBackendType);
}

/* The query's identifier; 13 computes none, nor does compute_query_id = off. */
static inline int64
pgturret_query_id(void)
{
#if PG_VERSION_NUM >= 140000
	return (int64) pgstat_get_my_query_id();
#else
	return 0;
#endif
}

/*
 * Leader of the parallel group that this process works for, or 0.  The csvlog
 * of 13 does not show it, though 13 knows it.
 */
static inline int
pgturret_leader_pid(void)
{
	PGPROC	   *leader = MyProc != NULL ? MyProc->lockGroupLeader : NULL;

	if (leader != NULL && leader->pid != MyProcPid)
		return leader->pid;
	return 0;
}

/* The two halves of the virtual transaction id; false when there is none. */
static inline bool
pgturret_vxid(int *backend, uint32 *local)
{
	if (MyProc == NULL)
		return false;
#if PG_VERSION_NUM >= 170000
	if (MyProc->vxid.procNumber == INVALID_PROC_NUMBER)
		return false;
	*backend = MyProc->vxid.procNumber;
	*local = MyProc->vxid.lxid;
#else
	if (MyProc->backendId == InvalidBackendId)
		return false;
	*backend = MyProc->backendId;
	*local = MyProc->lxid;
#endif
	return true;
}

/*
 * What the worker says it waits for.  pg_stat_activity shows that only of
 * processes with a database; tools that read PGPROC themselves see it.
 */
static inline uint32
pgturret_wait_event(void)
{
#if PG_VERSION_NUM >= 170000
	static uint32 event = 0;

	if (event == 0)
		event = WaitEventExtensionNew("PgturretSender");
	return event;
#else
	return PG_WAIT_EXTENSION;
#endif
}

#endif							/* PGTURRET_COMPAT_H */
