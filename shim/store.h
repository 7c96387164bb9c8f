/*-------------------------------------------------------------------------
 *
 * store.h
 *	  Where the ring lives, and how it gets from one postmaster to the next.
 *
 * IDENTIFICATION
 *	  shim/store.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGTURRET_STORE_H
#define PGTURRET_STORE_H

#include "ring.h"

extern bool pgturret_store_open(PgturretRing *ring, const char *directory,
								uint64 data_size);
extern int64 pgturret_new_boot_id(void);

#endif							/* PGTURRET_STORE_H */
