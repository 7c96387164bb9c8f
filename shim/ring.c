/*-------------------------------------------------------------------------
 *
 * ring.c
 *	  Bounded, lock-free, many-writer, one-reader ring in a shared mapping.
 *
 * Writers are every process of a PostgreSQL instance, the postmaster and
 * processes inside critical sections included.  So nothing here waits,
 * allocates, calls the system or can fail other than by counting a drop, and
 * a process may be killed between any two instructions.
 *
 * Layout of the mapping: one page of header, an array of 64-bit descriptor
 * words, the data area.  The data area is handed out in units of 8 bytes, in
 * the order of the descriptors.  A record lies in one piece: where it would
 * cross the end, the units up to the end are padding.  Padding follows from
 * position and length alone, so nobody has to write it down.
 *
 *	  word:	 state 2 | class 4 | lap 16 | owner's pid 22 | length 20
 *	  head:	 slots claimed mod 2^36 | units claimed mod 2^28
 *	  tail:	 the same, of what has been acknowledged
 *
 * Claiming.  Slot number n lives in word n mod N, and may be claimed when that
 * word still carries lap floor(n / N) - 1.  A writer reads the head, checks
 * the room up to the tail, and compare-and-swaps the word to CLAIMED with
 * its pid and length: that one instruction is the reservation, so there is
 * no moment in which space is taken and its owner unknown.  The head moves
 * afterwards, by a compare-and-swap that anyone can make, because its new
 * value follows from the old head and the claimed word.  A writer that finds
 * the slot claimed helps the head on and tries again.  Every failed attempt
 * means that another writer got on; after MAX_ATTEMPTS the record is counted
 * as dropped, which bounds the time spent here.
 *
 * Publishing.  The writer copies its record and swaps CLAIMED to PUBLISHED.
 * When the owner of a CLAIMED slot is gone (the reader asks the kernel) the
 * reader swaps it to DEAD.  Both are compare-and-swap on the same word, so a
 * slot is exactly one of the two.  Space of a writer that may be alive is
 * never reused: the reader stops in front of it.
 *
 * Releasing.  The reader never writes a word to free it.  Passing slots
 * moves the committed cursor and the tail, and the tail is what makes last
 * lap's word claimable.  The cursor has two copies and a generation whose
 * low bit says which one holds: the reader fills the other copy and stores
 * the generation.  A reader that dies at any point leaves one whole cursor,
 * and a tail that is not ahead of it.
 *
 * Drops.  A record without room adds one to dropped[class], for ever.  The
 * next writer that gets in first puts a MARKER into the ring with a snapshot
 * of dropped[].  The reader announces what a snapshot says beyond the last
 * one, so the ring's content alone determines the stream: walking again from
 * the tail gives the same frames with the same sequence numbers, whatever
 * was dropped since.  Snapshots can overtake each other in the ring; the
 * later one then announces nothing.
 *
 * Memory ordering.
 *	- The swap CLAIMED to PUBLISHED releases the record; the reader's load of
 *	  the word acquires it.
 *	- The store of the tail releases the reader's last loads of the data; a
 *	  writer's load of the tail acquires them before it writes there again.
 *	- A writer loads the tail before the head.  Both only grow and the tail
 *	  is never ahead, so a stale pair shows too little room, never too much.
 *	  And a swap of word n succeeds only if nobody has claimed n, hence only
 *	  if the head still is n, hence the room and position that were computed
 *	  from the loaded head are those of slot n.  The lap tag (2^16 laps)
 *	  keeps a writer that slept in between from succeeding later.
 *	- Helping the head with acquire-release order makes the words before it
 *	  visible to whoever loads it; the lap in the word decides in any case.
 *	- Wake-up: the worker stores sleeping = 1, then looks at the ring; a
 *	  writer publishes, then looks at sleeping.  All four are sequentially
 *	  consistent, so at least one of the two sees the other.
 *	- The generation is stored with release order after the copy, and the
 *	  tail after the generation.
 *
 * IDENTIFICATION
 *	  shim/ring.c
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "ring.h"

#define RING_MAGIC			UINT64_C(0x7067747572726574)
#define RING_LAYOUT			UINT64_C(1)
#define HEADER_BYTES		4096

#define UNIT				8
#define PAGE_BYTES			4096	/* the smallest that there are */
#define POS_BITS			28
#define POS_MASK			((UINT64_C(1) << POS_BITS) - 1)
#define COUNT_BITS			36
#define COUNT_MASK			((UINT64_C(1) << COUNT_BITS) - 1)

#define LENGTH_BITS			20
#define LENGTH_MASK			((UINT64_C(1) << LENGTH_BITS) - 1)
#define PID_SHIFT			LENGTH_BITS
#define PID_BITS			22
#define PID_MASK			((UINT64_C(1) << PID_BITS) - 1)
#define LAP_SHIFT			(PID_SHIFT + PID_BITS)
#define LAP_BITS			16
#define LAP_MASK			((UINT64_C(1) << LAP_BITS) - 1)
#define CLASS_SHIFT			(LAP_SHIFT + LAP_BITS)
#define CLASS_MASK			UINT64_C(15)
#define STATE_SHIFT			62

#define STATE_UNUSED		UINT64_C(0)
#define STATE_CLAIMED		UINT64_C(1)
#define STATE_PUBLISHED		UINT64_C(2)
#define STATE_DEAD			UINT64_C(3)

#define MAX_ATTEMPTS		1000

#define LINE_BYTES			64
#define EXPECTED_BYTES		512 /* of a record; most statement lines fit */

/*
 * With the instruction that asks for a line in order to write it, which
 * compilers leave out for the oldest 64-bit processors; those take it for none.
 */
#if defined(__x86_64__)
#define WRITE_HINTS			__attribute__((target("prfchw")))
#else
#define WRITE_HINTS
#endif

/*
 * What precedes a record in the data area.  It repeats what the descriptor
 * says, so that a file that the kernel never finished writing is recognised.
 */
typedef struct RecordPrefix
{
	uint32_t	bytes;
	uint32_t	count;			/* low bits of the slot number */
} RecordPrefix;

_Static_assert(__atomic_always_lock_free(sizeof(uint64_t), 0),
			   "64-bit atomics must be lock-free");
_Static_assert(sizeof(PgturretHeader) <= HEADER_BYTES,
			   "the header must fit its page");
_Static_assert(STATE_SHIFT == CLASS_SHIFT + 4, "a word must be 64 bits");
_Static_assert(sizeof(RecordPrefix) == UNIT, "a prefix must be one unit");

#define MARKER_BYTES		(PGTURRET_CLASSES * sizeof(uint64_t))

/* Where a head or tail value stands. */
static inline uint64_t
pack(uint64_t count, uint64_t pos)
{
	return (count & COUNT_MASK) << POS_BITS | (pos & POS_MASK);
}

static inline uint64_t
packed_count(uint64_t packed)
{
	return packed >> POS_BITS;
}

static inline uint64_t
packed_pos(uint64_t packed)
{
	return packed & POS_MASK;
}

static inline uint64_t
word_length(uint64_t word)
{
	return word & LENGTH_MASK;
}

static inline uint64_t
word_lap(uint64_t word)
{
	return word >> LAP_SHIFT & LAP_MASK;
}

static inline unsigned
word_class(uint64_t word)
{
	return (unsigned) (word >> CLASS_SHIFT & CLASS_MASK);
}

static inline uint64_t
word_state(uint64_t word)
{
	return word >> STATE_SHIFT;
}

static inline uint64_t
with_state(uint64_t word, uint64_t state)
{
	return (word & ((UINT64_C(1) << STATE_SHIFT) - 1)) | state << STATE_SHIFT;
}

static inline uint64_t
lap_of(const PgturretRing *ring, uint64_t count)
{
	return (count & COUNT_MASK) >> ring->slot_shift & LAP_MASK;
}

static inline uint64_t *
slot_of(const PgturretRing *ring, uint64_t count)
{
	return &ring->words[count & (ring->slots - 1)];
}

/* Units to leave empty at pos so that length units lie in one piece. */
static inline uint64_t
padding(const PgturretRing *ring, uint64_t pos, uint64_t length)
{
	uint64_t	offset = pos & (ring->units - 1);

	return offset + length > ring->units ? ring->units - offset : 0;
}

/* Move the head past the slot that it stands at, unless somebody has. */
static void
help_head(PgturretRing *ring, uint64_t head, uint64_t word)
{
	uint64_t	pos = packed_pos(head);
	uint64_t	length = word_length(word);
	uint64_t	next;

	next = pack(packed_count(head) + 1,
				pos + padding(ring, pos, length) + length);
	__atomic_compare_exchange_n(&ring->header->head, &head, next, false,
								__ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Sum of all drops so far. */
static uint64_t
total_dropped(const PgturretRing *ring)
{
	uint64_t	sum = 0;
	int			i;

	for (i = 0; i < PGTURRET_CLASSES; i++)
		sum += __atomic_load_n(&ring->header->dropped[i], __ATOMIC_RELAXED);
	return sum;
}

/* Raise a counter to at least value. */
static void
raise_to(uint64_t *counter, uint64_t value)
{
	uint64_t	seen = __atomic_load_n(counter, __ATOMIC_RELAXED);
	int			attempt;

	for (attempt = 0; seen < value && attempt < MAX_ATTEMPTS; attempt++)
	{
		if (__atomic_compare_exchange_n(counter, &seen, value, false,
										__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			break;
	}
}

/*
 * Look at each page of a record's space before it is written.  In a file in
 * memory a first read maps the pages around as well, where a first write maps
 * one: a process that goes through the ring for the first time takes a
 * sixteenth of the page faults.
 */
static inline void
touch_pages(const unsigned char *data, uint64_t bytes)
{
	uint64_t	at;

	for (at = 0; at < bytes; at += PAGE_BYTES)
		(void) __atomic_load_n((const uint64_t *) (data + at),
							   __ATOMIC_RELAXED);
	(void) __atomic_load_n((const uint64_t *) (data + bytes - UNIT),
						   __ATOMIC_RELAXED);
}

/*
 * Take a slot and its space.  The last eighth of both is kept for WARNING
 * and above, and the last sixty-fourth for markers, so that a flood of
 * statement lines cannot push out the error that explains it.
 */
static bool
claim_slot(PgturretRing *ring, unsigned class, size_t bytes, int pid,
		   uint64_t slot_margin, uint64_t unit_margin, PgturretClaim *claim)
{
	PgturretHeader *header = ring->header;
	uint64_t	length = (bytes + sizeof(RecordPrefix) + UNIT - 1) / UNIT;
	int			attempt;

	if (length > LENGTH_MASK || length > ring->units)
		return false;

	for (attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
	{
		uint64_t	tail = __atomic_load_n(&header->tail, __ATOMIC_ACQUIRE);
		uint64_t	head = __atomic_load_n(&header->head, __ATOMIC_ACQUIRE);
		uint64_t	count = packed_count(head);
		uint64_t	pos = packed_pos(head);
		uint64_t	used_slots = (count - packed_count(tail)) & COUNT_MASK;
		uint64_t	used_units = (pos - packed_pos(tail)) & POS_MASK;
		uint64_t	pad = padding(ring, pos, length);
		uint64_t	lap = lap_of(ring, count);
		uint64_t   *slot;
		uint64_t	word;
		RecordPrefix prefix;

		/* The tail moved by a lap since we read it: both are stale. */
		if (used_slots > ring->slots || used_units > ring->units)
			continue;

		if (used_slots + 1 + slot_margin > ring->slots ||
			used_units + pad + length + unit_margin > ring->units)
			return false;

		slot = slot_of(ring, count);
		word = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
		if (word_lap(word) == lap)
		{
			help_head(ring, head, word);
			continue;
		}
		if (word_lap(word) != ((lap - 1) & LAP_MASK))
			continue;			/* our head is stale */

		claim->word = STATE_CLAIMED << STATE_SHIFT |
			(uint64_t) class << CLASS_SHIFT |
			lap << LAP_SHIFT |
			((uint64_t) pid & PID_MASK) << PID_SHIFT |
			length;
		if (!__atomic_compare_exchange_n(slot, &word, claim->word, false,
										 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;

		help_head(ring, head, claim->word);
		raise_to(&header->high_water, (used_units + pad + length) * UNIT);

		claim->slot = slot;
		claim->data = ring->data + ((pos + pad) & (ring->units - 1)) * UNIT;
		touch_pages(claim->data, length * UNIT);
		prefix.bytes = (uint32_t) bytes;
		prefix.count = (uint32_t) count;
		memcpy(claim->data, &prefix, sizeof(prefix));
		claim->data += sizeof(prefix);
		return true;
	}

	return false;
}

/*
 * A record is about to be written.  What a writer touches was last in the
 * hands of another processor, or in none: the line of the head, the slot, and
 * the place where the record will go.  Asked for now, they come while the
 * record's fields are measured, and not one after the other when the claim
 * needs them.  In two steps, because where the record goes is known only when
 * the head has come.  A hint: if another writer is faster, nothing is wrong.
 */
WRITE_HINTS void
pgturret_ring_expect_head(const PgturretRing *ring)
{
	__builtin_prefetch(&ring->header->head, 1, 3);
}

WRITE_HINTS void
pgturret_ring_expect(const PgturretRing *ring)
{
	uint64_t	head = __atomic_load_n(&ring->header->head, __ATOMIC_RELAXED);
	const unsigned char *data = ring->data +
		(packed_pos(head) & (ring->units - 1)) * UNIT;
	int			at;

	__builtin_prefetch(slot_of(ring, packed_count(head)), 1, 3);
	for (at = 0; at < EXPECTED_BYTES; at += LINE_BYTES)
		__builtin_prefetch(data + at, 1, 3);
}

/* Are there drops that no marker tells of? */
static bool
unmarked_drops(const PgturretRing *ring)
{
	return total_dropped(ring) !=
		__atomic_load_n(&ring->header->marked, __ATOMIC_RELAXED);
}

/*
 * Would a record and a marker fit now?  Asked before a marker is written for
 * the sake of a record, or every refused record would add a marker and they
 * would fill what is kept for better things.
 */
static bool
has_room(const PgturretRing *ring, size_t bytes, uint64_t share)
{
	uint64_t	tail = __atomic_load_n(&ring->header->tail, __ATOMIC_ACQUIRE);
	uint64_t	head = __atomic_load_n(&ring->header->head, __ATOMIC_ACQUIRE);
	uint64_t	used_slots =
		(packed_count(head) - packed_count(tail)) & COUNT_MASK;
	uint64_t	used_units = (packed_pos(head) - packed_pos(tail)) & POS_MASK;
	uint64_t	marker = MARKER_BYTES / UNIT + 1;
	uint64_t	length = bytes / UNIT + 2;

	length += marker + padding(ring, packed_pos(head) + marker, length);
	return used_slots + 2 + ring->slots / share <= ring->slots &&
		used_units + length + ring->units / share <= ring->units;
}

/*
 * Put a marker in front of what comes next, if there are drops that no
 * marker tells of.
 */
bool
pgturret_ring_mark_drops(PgturretRing *ring, int pid)
{
	PgturretHeader *header = ring->header;
	PgturretClaim claim;
	uint64_t	snapshot[PGTURRET_CLASSES];
	uint64_t	sum = 0;
	int			i;

	if (!unmarked_drops(ring))
		return true;

	if (!claim_slot(ring, PGTURRET_CLASS_MARKER, MARKER_BYTES, pid, 0, 0,
					&claim))
		return false;

	for (i = 0; i < PGTURRET_CLASSES; i++)
	{
		snapshot[i] = __atomic_load_n(&header->dropped[i], __ATOMIC_RELAXED);
		sum += snapshot[i];
	}
	memcpy(claim.data, snapshot, sizeof(snapshot));

	if (pgturret_ring_publish(&claim))
		raise_to(&header->marked, sum);
	return true;
}

/* Count a record that was not kept. */
void
pgturret_ring_count_drop(PgturretRing *ring, unsigned class)
{
	__atomic_fetch_add(&ring->header->dropped[class], 1, __ATOMIC_RELAXED);
}

/*
 * Take room for a record.  On success the caller writes at most "bytes" to
 * claim->data and publishes; otherwise the record has been counted.
 */
bool
pgturret_ring_reserve(PgturretRing *ring, unsigned class, size_t bytes,
					  int pid, PgturretClaim *claim)
{
	uint64_t	share = class >= PGTURRET_CLASS_WARNING ? 64 : 8;

	if ((!unmarked_drops(ring) ||
		 (has_room(ring, bytes, share) &&
		  pgturret_ring_mark_drops(ring, pid))) &&
		claim_slot(ring, class, bytes, pid, ring->slots / share,
				   ring->units / share, claim))
		return true;

	pgturret_ring_count_drop(ring, class);
	return false;
}

/* Hand a written record to the reader.  False if we were taken for dead. */
bool
pgturret_ring_publish(PgturretClaim *claim)
{
	uint64_t	word = claim->word;

	return __atomic_compare_exchange_n(claim->slot, &word,
									   with_state(word, STATE_PUBLISHED),
									   false, __ATOMIC_SEQ_CST,
									   __ATOMIC_RELAXED);
}

/* The largest record that fits beside others, whatever its class. */
size_t
pgturret_ring_max_record(const PgturretRing *ring)
{
	size_t		by_ring = ring->units * UNIT / 8;
	size_t		by_word = (LENGTH_MASK - 1) * UNIT;

	return by_ring < by_word ? by_ring : by_word;
}

/* After a publish: does the worker sleep, and are we the one to wake it? */
bool
pgturret_ring_claim_wakeup(PgturretRing *ring, int *pid)
{
	PgturretHeader *header = ring->header;

	if (__atomic_load_n(&header->sleeping, __ATOMIC_SEQ_CST) == 0)
		return false;
	if (__atomic_exchange_n(&header->sleeping, 0, __ATOMIC_SEQ_CST) == 0)
		return false;
	*pid = (int) pgturret_load(&header->worker_pid);
	return *pid > 0;
}

/* Read the committed cursor.  Any process may. */
void
pgturret_ring_tail(const PgturretRing *ring, PgturretCursor *cursor)
{
	const PgturretHeader *header = ring->header;
	uint64_t	words[PGTURRET_CURSOR_WORDS];
	int			attempt;

	for (attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
	{
		uint64_t	gen = pgturret_load(&header->state_gen);
		size_t		i;

		/* Acquire loads, so that the generation is read after them. */
		for (i = 0; i < PGTURRET_CURSOR_WORDS; i++)
			words[i] = pgturret_load(&header->state[gen & 1][i]);
		if (pgturret_load(&header->state_gen) == gen)
			break;
	}
	memcpy(cursor, words, sizeof(*cursor));
}

/* Make everything before the cursor acknowledged, and its space free. */
void
pgturret_ring_commit(PgturretRing *ring, const PgturretCursor *cursor)
{
	PgturretHeader *header = ring->header;
	uint64_t	words[PGTURRET_CURSOR_WORDS];
	uint64_t	gen = pgturret_load(&header->state_gen) + 1;
	size_t		i;

	/*
	 * Release order on each word: whoever reads one of them from the copy
	 * that it took for valid then also sees the generation that made it
	 * invalid.
	 */
	memcpy(words, cursor, sizeof(words));
	for (i = 0; i < PGTURRET_CURSOR_WORDS; i++)
		pgturret_store(&header->state[gen & 1][i], words[i]);
	pgturret_store(&header->state_gen, gen);
	pgturret_store(&header->tail, pack(cursor->count, cursor->pos));
}

/*
 * Look at the slot under the cursor.  What it returns depends on the ring
 * and the cursor only, never on how often it was asked.
 */
PgturretItemKind
pgturret_ring_peek(PgturretRing *ring, const PgturretCursor *cursor,
				   PgturretItem *item)
{
	uint64_t	word;
	uint64_t	head;
	uint64_t	length;
	uint64_t	start;
	RecordPrefix prefix;
	const unsigned char *data;

	word = __atomic_load_n(slot_of(ring, cursor->count), __ATOMIC_SEQ_CST);
	item->word = word;
	item->corrupt = false;
	item->data = NULL;
	item->bytes = 0;
	item->span = 0;
	item->class = word_class(word);

	if (word_lap(word) != lap_of(ring, cursor->count) ||
		word_state(word) == STATE_UNUSED)
		return item->kind = PGTURRET_ITEM_NONE;

	length = word_length(word);
	start = cursor->pos + padding(ring, cursor->pos, length);
	item->next_pos = start + length;

	if (word_state(word) == STATE_CLAIMED)
	{
		item->pid = (int) (word >> PID_SHIFT & PID_MASK);
		return item->kind = PGTURRET_ITEM_PENDING;
	}

	/* The tail must not get ahead of a head whose claimer died too soon. */
	head = pgturret_load(&ring->header->head);
	if (packed_count(head) == (cursor->count & COUNT_MASK))
		help_head(ring, head, word);

	if (word_state(word) == STATE_DEAD)
	{
		/* A marker that was never written leaves nothing to announce. */
		item->span = item->class == PGTURRET_CLASS_MARKER ? 0 : 1;
		return item->kind = PGTURRET_ITEM_DEAD;
	}

	data = ring->data + (start & (ring->units - 1)) * UNIT;
	if (length >= 1 && length <= ring->units)
	{
		memcpy(&prefix, data, sizeof(prefix));
		item->data = data + sizeof(prefix);
		item->bytes = prefix.bytes;
	}
	if (item->data == NULL ||
		prefix.count != (uint32_t) (cursor->count & COUNT_MASK) ||
		item->bytes > (length - 1) * UNIT ||
		item->bytes + UNIT <= (length - 1) * UNIT ||
		(item->class == PGTURRET_CLASS_MARKER && item->bytes != MARKER_BYTES))
	{
		item->corrupt = true;
		item->span = item->class == PGTURRET_CLASS_MARKER ? 0 : 1;
		return item->kind = PGTURRET_ITEM_DEAD;
	}

	if (item->class == PGTURRET_CLASS_MARKER)
	{
		uint64_t	snapshot[PGTURRET_CLASSES];
		int			i;

		memcpy(snapshot, item->data, sizeof(snapshot));
		for (i = 0; i < PGTURRET_CLASSES; i++)
		{
			item->delta[i] = snapshot[i] > cursor->announced[i] ?
				snapshot[i] - cursor->announced[i] : 0;
			item->span += item->delta[i];
		}
		return item->kind = PGTURRET_ITEM_MARKER;
	}

	item->span = 1;
	return item->kind = PGTURRET_ITEM_RECORD;
}

/* Step over a RECORD, MARKER or DEAD item. */
void
pgturret_ring_advance(PgturretCursor *cursor, const PgturretItem *item)
{
	int			i;

	cursor->count++;
	cursor->pos = item->next_pos;
	cursor->seq += item->span;
	if (item->kind == PGTURRET_ITEM_RECORD)
		cursor->acked[item->class]++;
	else if (item->kind == PGTURRET_ITEM_MARKER)
	{
		for (i = 0; i < PGTURRET_CLASSES; i++)
			cursor->announced[i] += item->delta[i];
	}
	else if (item->class != PGTURRET_CLASS_MARKER)
		cursor->died[item->class]++;
}

/*
 * Declare a PENDING item's writer dead.  Only for a writer that cannot come
 * back.  False if it published after all.
 */
bool
pgturret_ring_bury(PgturretRing *ring, const PgturretCursor *cursor,
				   const PgturretItem *item)
{
	uint64_t	word = item->word;

	return __atomic_compare_exchange_n(slot_of(ring, cursor->count), &word,
									   with_state(word, STATE_DEAD), false,
									   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Bury every claimed slot whose owner is gone. */
void
pgturret_ring_bury_all(PgturretRing *ring, bool (*gone) (int pid))
{
	PgturretCursor cursor;
	uint64_t	walked;

	pgturret_ring_tail(ring, &cursor);
	for (walked = 0; walked < ring->slots; walked++, cursor.count++)
	{
		uint64_t   *slot = slot_of(ring, cursor.count);
		uint64_t	word = pgturret_load(slot);

		if (word_lap(word) != lap_of(ring, cursor.count) ||
			word_state(word) == STATE_UNUSED)
			break;
		if (word_state(word) == STATE_CLAIMED &&
			gone((int) (word >> PID_SHIFT & PID_MASK)))
			__atomic_compare_exchange_n(slot, &word,
										with_state(word, STATE_DEAD), false,
										__ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	}
}

/*
 * Counters at one moment.  A record counts as emitted from its claim or its
 * drop on, so that the sums hold even when a writer dies between any two
 * instructions.  While writers run, classes are read one after the other.
 */
void
pgturret_ring_stats(const PgturretRing *ring, PgturretStats *stats)
{
	const PgturretHeader *header = ring->header;
	int			attempt;
	int			i;

	for (attempt = 0; attempt < 10; attempt++)
	{
		PgturretCursor after;
		uint64_t	head;
		uint64_t	held;
		uint64_t	n;

		memset(stats, 0, sizeof(*stats));
		pgturret_ring_tail(ring, &stats->tail);
		head = pgturret_load(&header->head);
		held = (packed_count(head) - stats->tail.count) & COUNT_MASK;
		stats->used_bytes =
			((packed_pos(head) - stats->tail.pos) & POS_MASK) * UNIT;
		if (held <= ring->slots)
		{
			for (n = 0; n < held; n++)
			{
				unsigned	class;

				class = word_class(pgturret_load(slot_of(ring,
														 stats->tail.count + n)));
				if (class != PGTURRET_CLASS_MARKER)
					stats->held[class]++;
			}

			/* Words were all of this lap if the tail has not moved. */
			pgturret_ring_tail(ring, &after);
			if (after.count == stats->tail.count)
				break;
		}
	}

	for (i = 0; i < PGTURRET_CLASSES; i++)
	{
		stats->dropped[i] = pgturret_load(&header->dropped[i]) +
			stats->tail.died[i];
		stats->emitted[i] = stats->tail.acked[i] + stats->held[i] +
			stats->dropped[i];
	}
	stats->high_water = pgturret_load(&header->high_water);
}

/* Keep the last error for pgturret_stat.  Only the worker writes it. */
void
pgturret_ring_set_error(PgturretRing *ring, const char *text)
{
	PgturretHeader *header = ring->header;
	char		buffer[PGTURRET_ERROR_TEXT] = {0};
	uint64_t	words[PGTURRET_ERROR_TEXT / sizeof(uint64_t)];
	uint64_t	gen = pgturret_load(&header->error_gen) | 1;
	size_t		length = strlen(text);
	size_t		i;

	if (length >= sizeof(buffer))
		length = sizeof(buffer) - 1;
	memcpy(buffer, text, length);
	memcpy(words, buffer, sizeof(words));
	pgturret_store(&header->error_gen, gen);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		pgturret_store(&header->error_text[i], words[i]);
	pgturret_store(&header->error_gen, gen + 1);
}

void
pgturret_ring_get_error(const PgturretRing *ring,
						char text[PGTURRET_ERROR_TEXT])
{
	const PgturretHeader *header = ring->header;
	uint64_t	words[PGTURRET_ERROR_TEXT / sizeof(uint64_t)];
	int			attempt;

	for (attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
	{
		uint64_t	gen = pgturret_load(&header->error_gen);
		size_t		i;

		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			words[i] = pgturret_load(&header->error_text[i]);
		if ((gen & 1) == 0 && pgturret_load(&header->error_gen) == gen)
			break;
	}
	memcpy(text, words, PGTURRET_ERROR_TEXT);
	text[PGTURRET_ERROR_TEXT - 1] = '\0';
}

static uint64_t
slots_for(uint64_t data_size)
{
	return data_size / PGTURRET_SLOT_BYTES;
}

/* Bytes of mapping for a data area of this size, which is a power of two. */
uint64_t
pgturret_ring_mapping_size(uint64_t data_size)
{
	return HEADER_BYTES + slots_for(data_size) * sizeof(uint64_t) + data_size;
}

/* Fill in this process's view. */
static void
set_view(PgturretRing *ring, void *memory, uint64_t data_size)
{
	ring->header = (PgturretHeader *) memory;
	ring->words = (uint64_t *) ((unsigned char *) memory + HEADER_BYTES);
	ring->slots = slots_for(data_size);
	ring->units = data_size / UNIT;
	ring->data = (unsigned char *) (ring->words + ring->slots);
	ring->slot_shift = (unsigned) __builtin_ctzll(ring->slots);
}

/* Make an empty ring.  Nobody else may look at the memory yet. */
void
pgturret_ring_init(PgturretRing *ring, void *memory, uint64_t data_size,
				   uint64_t boot_id)
{
	PgturretHeader *header = (PgturretHeader *) memory;
	PgturretCursor cursor;
	uint64_t	i;

	set_view(ring, memory, data_size);
	memset(header, 0, HEADER_BYTES);
	for (i = 0; i < ring->slots; i++)
		ring->words[i] = LAP_MASK << LAP_SHIFT;

	header->magic = RING_MAGIC;
	header->layout = RING_LAYOUT;
	header->data_size = data_size;
	header->slots = ring->slots;
	header->file_size = pgturret_ring_mapping_size(data_size);
	header->boot_id = boot_id;

	memset(&cursor, 0, sizeof(cursor));
	cursor.seq = 1;
	pgturret_ring_commit(ring, &cursor);
}

/* Take memory of unknown origin for a ring, if its header makes sense. */
bool
pgturret_ring_attach(PgturretRing *ring, void *memory, uint64_t memory_size)
{
	PgturretHeader *header = (PgturretHeader *) memory;
	uint64_t	data_size;

	if (memory_size < HEADER_BYTES)
		return false;
	data_size = header->data_size;
	if (header->magic != RING_MAGIC || header->layout != RING_LAYOUT ||
		data_size < PGTURRET_RING_MIN_SIZE ||
		data_size > PGTURRET_RING_MAX_SIZE ||
		(data_size & (data_size - 1)) != 0 ||
		header->slots != slots_for(data_size) ||
		header->file_size != pgturret_ring_mapping_size(data_size) ||
		header->file_size > memory_size ||
		header->boot_id > (uint64_t) INT64_MAX)
		return false;
	set_view(ring, memory, data_size);
	return true;
}

/*
 * Walk what a ring without writers holds.  False if anything in it makes no
 * sense, which a ring that lost a part of its pages would show.
 */
bool
pgturret_ring_check(PgturretRing *ring, uint64_t *held_bytes)
{
	PgturretCursor cursor;
	PgturretItem item;
	uint64_t	walked;
	uint64_t	head;

	*held_bytes = 0;
	pgturret_ring_tail(ring, &cursor);
	if (cursor.seq > (uint64_t) INT64_MAX)
		return false;
	for (walked = 0; walked < ring->slots; walked++)
	{
		pgturret_ring_peek(ring, &cursor, &item);
		if (item.kind == PGTURRET_ITEM_NONE)
			break;
		if (item.kind == PGTURRET_ITEM_PENDING)
		{
			if (!pgturret_ring_bury(ring, &cursor, &item))
				return false;
			pgturret_ring_peek(ring, &cursor, &item);
		}
		if (item.corrupt || item.span > UINT32_MAX)
			return false;
		*held_bytes += (item.next_pos - cursor.pos) * UNIT;
		pgturret_ring_advance(&cursor, &item);
	}

	head = pgturret_load(&ring->header->head);
	return head == pack(cursor.count, cursor.pos) &&
		*held_bytes <= ring->units * UNIT;
}

/*
 * Carry over identity, counters and all that is held from a checked ring
 * into an empty one that nobody else uses yet.  Sequence numbers stay.
 */
bool
pgturret_ring_import(PgturretRing *ring, PgturretRing *old)
{
	PgturretHeader *header = ring->header;
	PgturretCursor from;
	PgturretCursor cursor;
	PgturretItem item;

	pgturret_ring_tail(old, &from);
	cursor = from;
	cursor.count = 0;
	cursor.pos = 0;
	pgturret_ring_commit(ring, &cursor);

	header->boot_id = old->header->boot_id;
	memcpy(header->dropped, old->header->dropped, sizeof(header->dropped));
	header->marked = old->header->marked;
	header->delivered = old->header->delivered;
	header->connects = old->header->connects;

	while (pgturret_ring_peek(old, &from, &item) != PGTURRET_ITEM_NONE)
	{
		PgturretClaim claim;
		uint64_t	word;

		if (item.kind == PGTURRET_ITEM_PENDING ||
			!claim_slot(ring, item.class, item.bytes, 0, 0, 0, &claim))
			return false;
		if (item.kind == PGTURRET_ITEM_DEAD)
		{
			word = claim.word;
			pgturret_store(claim.slot, with_state(word, STATE_DEAD));
		}
		else
		{
			memcpy(claim.data, item.data, item.bytes);
			pgturret_ring_publish(&claim);
		}
		pgturret_ring_advance(&from, &item);
	}
	return true;
}
