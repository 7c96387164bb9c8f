/*-------------------------------------------------------------------------
 *
 * sender.h
 *	  The background worker that carries the ring to the listener.
 *
 * IDENTIFICATION
 *	  shim/sender.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGTURRET_SENDER_H
#define PGTURRET_SENDER_H

#include "ring.h"

/* settings, in pgturret.c */
extern char *pgturret_socket;
extern char *pgturret_identity;
extern int	pgturret_protocol_version;

/* this process's view of the ring, NULL when there is none; in pgturret.c */
extern PgturretRing *pgturret_ring;

extern void pgturret_register_sender(void);
extern bool pgturret_process_gone(int pid);
extern PGDLLEXPORT void pgturret_sender_main(Datum main_arg);

#endif							/* PGTURRET_SENDER_H */
