/*-------------------------------------------------------------------------
 *
 * ring.h
 *	  Bounded, lock-free, many-writer, one-reader ring in a shared mapping.
 *
 * Knows nothing of PostgreSQL, so that t/ring_stress.c can run it alone under
 * sanitizers.  The protocol and its memory-ordering argument are in ring.c.
 *
 * IDENTIFICATION
 *	  shim/ring.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGTURRET_RING_H
#define PGTURRET_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Records are classed by elevel - 10 (DEBUG5 is 10 in every version), so that
 * the class fits the four bits that a descriptor has for it.
 */
#define PGTURRET_CLASSES		15
#define PGTURRET_CLASS_MARKER	15
#define PGTURRET_ELEVEL_BASE	10
#define PGTURRET_CLASS_WARNING	9	/* WARNING is 19 in every version */

#define PGTURRET_RING_MIN_SIZE	((uint64_t) 64 * 1024)
#define PGTURRET_RING_MAX_SIZE	((uint64_t) 1024 * 1024 * 1024)
#define PGTURRET_SLOT_BYTES		256 /* data bytes per descriptor */

#define PGTURRET_ERROR_TEXT		128

/*
 * Where the reader stands.  The ring keeps the committed one: everything
 * before it is acknowledged and its space may be used again.
 */
typedef struct PgturretCursor
{
	uint64_t	count;			/* slots passed */
	uint64_t	pos;			/* data units passed, padding included */
	uint64_t	seq;			/* wire sequence of what comes next */
	uint64_t	announced[PGTURRET_CLASSES];	/* drops passed */
	uint64_t	acked[PGTURRET_CLASSES];	/* records passed */
	uint64_t	died[PGTURRET_CLASSES]; /* unpublished records passed */
} PgturretCursor;

#define PGTURRET_CURSOR_WORDS	(sizeof(PgturretCursor) / sizeof(uint64_t))

/* The first page of the mapping.  Every field is read and written atomically. */
typedef struct PgturretHeader
{
	uint64_t	magic;
	uint64_t	layout;
	uint64_t	file_size;
	uint64_t	data_size;
	uint64_t	slots;
	uint64_t	system_id;		/* whose ring this is: see store.c */
	uint64_t	directory_inode;
	uint64_t	file_inode;

	uint64_t	boot_id __attribute__((aligned(64)));
	uint64_t	state_gen;		/* state[state_gen & 1] is the valid one */

	uint64_t	head __attribute__((aligned(64)));	/* count and position */
	uint64_t	tail __attribute__((aligned(64)));	/* the same, released */

	uint64_t	sleeping __attribute__((aligned(64)));	/* worker wants SIGUSR1 */
	uint64_t	worker_pid;

	uint64_t	dropped[PGTURRET_CLASSES] __attribute__((aligned(64)));
	uint64_t	marked;			/* sum of dropped[] at the newest marker */

	uint64_t	high_water __attribute__((aligned(64)));	/* in bytes */

	uint64_t	state[2][PGTURRET_CURSOR_WORDS] __attribute__((aligned(64)));

	/* Written by the worker for pgturret_stat. */
	uint64_t	delivered __attribute__((aligned(64)));
	uint64_t	connects;
	uint64_t	connected;
	uint64_t	connected_since;	/* microseconds since 1970 */
	uint64_t	protocol;
	uint64_t	error_gen;		/* odd while error_text changes */
	uint64_t	error_text[PGTURRET_ERROR_TEXT / sizeof(uint64_t)];
} PgturretHeader;

/* A process's view of the mapping. */
typedef struct PgturretRing
{
	PgturretHeader *header;
	uint64_t   *words;			/* the descriptors */
	unsigned char *data;
	uint64_t	slots;
	uint64_t	units;			/* data size in units of 8 bytes */
	unsigned	slot_shift;		/* log2(slots) */
} PgturretRing;

/* A claimed slot, between reserve and publish. */
typedef struct PgturretClaim
{
	uint64_t   *slot;
	uint64_t	word;
	unsigned char *data;
} PgturretClaim;

typedef enum PgturretItemKind
{
	PGTURRET_ITEM_NONE,			/* nothing more in the ring */
	PGTURRET_ITEM_PENDING,		/* claimed, not published yet */
	PGTURRET_ITEM_RECORD,
	PGTURRET_ITEM_MARKER,		/* drops to announce */
	PGTURRET_ITEM_DEAD			/* its writer died, or it makes no sense */
} PgturretItemKind;

typedef struct PgturretItem
{
	PgturretItemKind kind;
	unsigned	class;
	bool		corrupt;		/* DEAD because of what it holds */
	int			pid;			/* PENDING: the owner */
	uint64_t	word;
	uint64_t	next_pos;
	uint64_t	span;			/* wire sequences that it takes */
	const unsigned char *data;	/* RECORD */
	size_t		bytes;
	uint64_t	delta[PGTURRET_CLASSES];	/* MARKER */
} PgturretItem;

typedef struct PgturretStats
{
	PgturretCursor tail;
	uint64_t	held[PGTURRET_CLASSES];
	uint64_t	dropped[PGTURRET_CLASSES];	/* queue_full and writer_died */
	uint64_t	emitted[PGTURRET_CLASSES];
	uint64_t	used_bytes;
	uint64_t	high_water;
} PgturretStats;

/* making and opening */
extern uint64_t pgturret_ring_mapping_size(uint64_t data_size);
extern void pgturret_ring_init(PgturretRing *ring, void *memory,
							   uint64_t data_size, uint64_t boot_id);
extern bool pgturret_ring_attach(PgturretRing *ring, void *memory,
								 uint64_t memory_size);
extern bool pgturret_ring_check(PgturretRing *ring, uint64_t *held_bytes);
extern bool pgturret_ring_import(PgturretRing *ring, PgturretRing *old);

/* writers */
extern void pgturret_ring_expect_head(const PgturretRing *ring);
extern void pgturret_ring_expect(const PgturretRing *ring);
extern bool pgturret_ring_reserve(PgturretRing *ring, unsigned class,
								  size_t bytes, int pid,
								  PgturretClaim *claim);
extern bool pgturret_ring_publish(PgturretClaim *claim);
extern void pgturret_ring_count_drop(PgturretRing *ring, unsigned class);
extern bool pgturret_ring_mark_drops(PgturretRing *ring, int pid);
extern size_t pgturret_ring_max_record(const PgturretRing *ring);
extern bool pgturret_ring_claim_wakeup(PgturretRing *ring, int *pid);

/* the reader */
extern void pgturret_ring_tail(const PgturretRing *ring,
							   PgturretCursor *cursor);
extern PgturretItemKind pgturret_ring_peek(PgturretRing *ring,
										   const PgturretCursor *cursor,
										   PgturretItem *item);
extern void pgturret_ring_advance(PgturretCursor *cursor,
								  const PgturretItem *item);
extern void pgturret_ring_commit(PgturretRing *ring,
								 const PgturretCursor *cursor);
extern bool pgturret_ring_bury(PgturretRing *ring,
							   const PgturretCursor *cursor,
							   const PgturretItem *item);
extern void pgturret_ring_bury_all(PgturretRing *ring,
								   bool (*gone) (int pid));
extern void pgturret_ring_set_error(PgturretRing *ring, const char *text);
extern void pgturret_ring_get_error(const PgturretRing *ring,
									char text[PGTURRET_ERROR_TEXT]);

/* anyone */
extern void pgturret_ring_stats(const PgturretRing *ring,
								PgturretStats *stats);

#define pgturret_load(p)		__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define pgturret_store(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)

#endif							/* PGTURRET_RING_H */
