/*-------------------------------------------------------------------------
 *
 * frame.h
 *	  From ErrorData to an L frame in the ring, and from there to the wire.
 *
 * IDENTIFICATION
 *	  shim/frame.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGTURRET_FRAME_H
#define PGTURRET_FRAME_H

#include "ring.h"
#include "utils/elog.h"

/*
 * A record in the ring: this, then a complete protocol 2 L frame.  The
 * offsets, counted from the frame's start, let the worker cut a protocol 1
 * frame out of it.
 */
typedef struct PgturretRecord
{
	uint32		frame_bytes;
	uint32		place_start;	/* FileErrPos, field 22 */
	uint32		place_end;
	uint32		first_end;		/* end of field 23, the last of protocol 1 */
	uint32		verbose;		/* log_error_verbosity showed the place */
	uint32		unused;
} PgturretRecord;

#define PGTURRET_FRAME_HEADER	5	/* type and length */

extern bool pgturret_frame_emit(PgturretRing *ring, ErrorData *edata,
								size_t max_record, bool share_log_time);
extern unsigned pgturret_elevel_class(int elevel);
extern void pgturret_line_written(void);

/* for the worker */
extern bool pgturret_record_valid(const unsigned char *data, size_t bytes,
								  PgturretRecord *record);
extern size_t pgturret_put_text_frame(unsigned char *to, char type,
									  const char *text);
extern size_t pgturret_put_resume(unsigned char *to, int64 boot_id,
								  int64 next);
extern size_t pgturret_put_drops(unsigned char *to, int64 first, int64 count,
								 int elevel, const char *reason);
extern size_t pgturret_put_record1(unsigned char *to,
								   const unsigned char *frame,
								   const PgturretRecord *record);

#endif							/* PGTURRET_FRAME_H */
