/*-------------------------------------------------------------------------
 *
 * ring_stress.c
 *	  Stand-alone stress test of the ring.
 *
 * Threads and processes write records that carry their own identity and a
 * checksum; the reader checks every byte, the order within each writer, that
 * every loss is announced, and that the sums are exact.  Processes are killed
 * at random moments, the reader forgets what it has not committed at random
 * moments, and the ring is carried over into one of another size.
 *
 * Usage: ring_stress [--threads-only] [SECONDS]
 *
 * IDENTIFICATION
 *	  shim/t/ring_stress.c
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ring.h"

#define WRITERS			6
#define INCARNATIONS	8192
#define WINDOW			(1 << 20)	/* sequences whose hash is remembered */

#define CHECK(condition, ...) \
	do \
	{ \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
			fprintf(stderr, __VA_ARGS__); \
			fputc('\n', stderr); \
			abort(); \
		} \
	} while (0)

typedef struct Payload
{
	uint32_t	writer;			/* incarnation */
	uint32_t	class;
	uint64_t	number;
	uint32_t	bytes;
	uint32_t	checksum;
} Payload;

/* What one incarnation of a writer did; written by it alone. */
typedef struct Ledger
{
	uint64_t	attempted[PGTURRET_CLASSES];
	uint64_t	published[PGTURRET_CLASSES];
	uint64_t	refused[PGTURRET_CLASSES];
	uint64_t	finished;		/* ended by itself */
} Ledger;

typedef struct Shared
{
	uint64_t	stop;
	uint64_t	pace;			/* microseconds between records, or 0 */
	Ledger		ledgers[INCARNATIONS];
} Shared;

static Shared *shared;
static PgturretRing ring;
static uint64_t consumed[INCARNATIONS][PGTURRET_CLASSES];
static uint64_t last_number[INCARNATIONS];
static uint64_t hashes[WINDOW];

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint64_t
mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
}

/* The bytes after the head follow from the head. */
static void
fill_payload(unsigned char *to, Payload *head)
{
	uint64_t	state = mix(head->writer + 1, head->number + 1) | 1;
	uint32_t	sum = 1;
	size_t		i;

	for (i = sizeof(*head); i < head->bytes; i++)
	{
		if (i % 64 == 0)
			next_random(&state);
		to[i] = (unsigned char) (state + i);
		sum = sum * 31 + to[i];
	}
	head->checksum = sum;
	memcpy(to, head, sizeof(*head));
}

static void
write_records(uint32_t writer, int pid)
{
	Ledger	   *ledger = &shared->ledgers[writer];
	uint64_t	state = mix(writer + 7, (uint64_t) pid) | 1;
	uint64_t	number = 0;

	while (!pgturret_load(&shared->stop))
	{
		Payload		head;
		PgturretClaim claim;
		int			worker;
		uint64_t	r = next_random(&state);
		uint64_t	pace = pgturret_load(&shared->pace);

		head.writer = writer;
		head.class = (uint32_t) (r % PGTURRET_CLASSES);
		head.number = ++number;
		head.bytes = sizeof(head) + (uint32_t) (r >> 8) % 700;
		if ((r >> 40) % 64 == 0)
			head.bytes += 6000;
		pgturret_store(&ledger->attempted[head.class],
					   ledger->attempted[head.class] + 1);
		if (pgturret_ring_reserve(&ring, head.class, head.bytes, pid, &claim))
		{
			fill_payload(claim.data, &head);
			CHECK(pgturret_ring_publish(&claim), "a living writer was buried");
			pgturret_store(&ledger->published[head.class],
						   ledger->published[head.class] + 1);
			if (pgturret_ring_claim_wakeup(&ring, &worker))
				kill(worker, SIGUSR1);
		}
		else
			pgturret_store(&ledger->refused[head.class],
						   ledger->refused[head.class] + 1);

		if (pace > 0)
		{
			struct timespec ts = {0, (long) pace * 1000};

			nanosleep(&ts, NULL);
		}
	}
	pgturret_store(&ledger->finished, 1);
}

static uint64_t
hash_item(const PgturretItem *item)
{
	uint64_t	hash = mix(item->kind, item->class);
	size_t		i;

	if (item->kind == PGTURRET_ITEM_MARKER)
	{
		for (i = 0; i < PGTURRET_CLASSES; i++)
			hash = mix(hash, item->delta[i]);
	}
	else if (item->kind == PGTURRET_ITEM_RECORD)
	{
		Payload		head;

		memcpy(&head, item->data, sizeof(head));
		hash = mix(mix(hash, head.writer), head.number);
		hash = mix(mix(hash, head.checksum), head.bytes);
	}
	return hash;
}

static void
check_record(const PgturretItem *item)
{
	Payload		head;
	uint32_t	sum = 1;
	size_t		i;

	CHECK(item->bytes >= sizeof(head), "%zu bytes", item->bytes);
	memcpy(&head, item->data, sizeof(head));
	CHECK(head.bytes == item->bytes, "%u, %zu", head.bytes, item->bytes);
	CHECK(head.class == item->class, "%u, %u", head.class, item->class);
	CHECK(head.writer < INCARNATIONS, "%u", head.writer);
	for (i = sizeof(head); i < item->bytes; i++)
		sum = sum * 31 + item->data[i];
	CHECK(sum == head.checksum, "writer %u number %llu", head.writer,
		  (unsigned long long) head.number);
	CHECK(head.number > last_number[head.writer], "order of writer %u",
		  head.writer);
	last_number[head.writer] = head.number;
	consumed[head.writer][head.class]++;
}

/*
 * Read what is there.  seen is the highest sequence that was looked at ever;
 * below it, what is read must be what was read before.
 */
static uint64_t
read_some(PgturretRing *from, PgturretCursor *cursor, uint64_t *seen,
		  uint64_t most, bool (*gone) (int))
{
	uint64_t	n;

	for (n = 0; n < most; n++)
	{
		PgturretItem item;
		PgturretItemKind kind = pgturret_ring_peek(from, cursor, &item);

		if (kind == PGTURRET_ITEM_NONE)
			break;
		if (kind == PGTURRET_ITEM_PENDING)
		{
			if (!gone(item.pid))
				break;
			pgturret_ring_bury(from, cursor, &item);
			continue;
		}
		CHECK(!item.corrupt, "slot %llu", (unsigned long long) cursor->count);
		if (item.span > 0)
		{
			uint64_t	hash = hash_item(&item);

			if (cursor->seq > *seen)
			{
				hashes[cursor->seq % WINDOW] = hash;
				*seen = cursor->seq + item.span - 1;
				if (kind == PGTURRET_ITEM_RECORD)
					check_record(&item);
			}
			else
				CHECK(hashes[cursor->seq % WINDOW] == hash,
					  "sequence %llu differs the second time",
					  (unsigned long long) cursor->seq);
		}
		pgturret_ring_advance(cursor, &item);
	}
	return n;
}

static bool
never_gone(int pid)
{
	(void) pid;
	return false;
}

/*
 * Is this writer dead?  Ours stay zombies until they are reaped, which the
 * kernel counts as existing; PostgreSQL's postmaster reaps at once.
 */
static bool
process_gone(int pid)
{
	return kill(pid, 0) != 0 && errno == ESRCH;
}

/* Every sum, when nobody writes and everything has been read. */
static void
check_sums(const PgturretCursor *cursor, uint32_t writers, uint64_t kills)
{
	PgturretStats stats;
	uint64_t	slack = 0;
	uint64_t	sum = 1;
	int			class;
	uint32_t	w;

	pgturret_ring_commit(&ring, cursor);
	pgturret_ring_stats(&ring, &stats);
	for (class = 0; class < PGTURRET_CLASSES; class++)
	{
		uint64_t	attempted = 0;
		uint64_t	read = 0;

		for (w = 0; w < writers; w++)
		{
			const Ledger *ledger = &shared->ledgers[w];

			attempted += ledger->attempted[class];
			read += consumed[w][class];
			CHECK(consumed[w][class] >= ledger->published[class],
				  "writer %u lost a published record", w);
			CHECK(consumed[w][class] + ledger->refused[class] <=
				  ledger->attempted[class], "writer %u", w);
			if (ledger->finished)
				CHECK(consumed[w][class] == ledger->published[class] &&
					  ledger->attempted[class] ==
					  ledger->published[class] + ledger->refused[class],
					  "writer %u", w);
		}
		CHECK(read == cursor->acked[class], "class %d", class);
		CHECK(stats.held[class] == 0, "class %d", class);
		CHECK(cursor->announced[class] + cursor->died[class] ==
			  stats.dropped[class], "class %d: a drop was not announced", class);
		CHECK(stats.emitted[class] == read + stats.dropped[class],
			  "class %d", class);
		CHECK(stats.emitted[class] <= attempted, "class %d", class);
		slack += attempted - stats.emitted[class];
		sum += stats.emitted[class];
	}
	/* A writer killed between its ledger and the ring emitted nothing. */
	CHECK(slack <= kills, "%llu records vanished, %llu kills",
		  (unsigned long long) slack, (unsigned long long) kills);
	CHECK(cursor->seq == sum, "sequence %llu, sum %llu",
		  (unsigned long long) cursor->seq, (unsigned long long) sum);
	CHECK(stats.used_bytes == 0, "%llu bytes used",
		  (unsigned long long) stats.used_bytes);
}

static void *
map_shared(size_t size)
{
	void	   *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
							  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED, "mmap");
	return memory;
}

static void
start_over(uint64_t size, uint64_t pace)
{
	memset(shared, 0, sizeof(*shared));
	shared->pace = pace;
	memset(consumed, 0, sizeof(consumed));
	memset(last_number, 0, sizeof(last_number));
	pgturret_ring_init(&ring, map_shared(pgturret_ring_mapping_size(size)),
					   size, 42);
}

static void
report(const char *what, const PgturretCursor *cursor, uint64_t kills)
{
	uint64_t	acked = 0;
	uint64_t	dropped = 0;
	uint64_t	died = 0;
	int			class;

	for (class = 0; class < PGTURRET_CLASSES; class++)
	{
		acked += cursor->acked[class];
		dropped += cursor->announced[class];
		died += cursor->died[class];
	}
	printf("%-24s read %llu, dropped %llu, died %llu, kills %llu\n", what,
		   (unsigned long long) acked, (unsigned long long) dropped,
		   (unsigned long long) died, (unsigned long long) kills);
	fflush(stdout);
}

/* Announce the last drops, as the worker does when it is idle. */
static void
read_rest(PgturretCursor *cursor, uint64_t *seen, bool (*gone) (int))
{
	read_some(&ring, cursor, seen, UINT64_MAX, gone);
	pgturret_ring_commit(&ring, cursor);
	CHECK(pgturret_ring_mark_drops(&ring, getpid()), "an empty ring is full");
	read_some(&ring, cursor, seen, UINT64_MAX, gone);
}

static void *
writer_thread(void *number)
{
	write_records((uint32_t) (uintptr_t) number, 1 + (int) (uintptr_t) number);
	return NULL;
}

static void
test_threads(uint64_t size, double duration)
{
	pthread_t	threads[WRITERS];
	PgturretCursor cursor;
	uint64_t	seen = 0;
	uint64_t	state = 88172645463325252u;
	double		end = seconds() + duration;
	uintptr_t	w;

	start_over(size, 0);
	pgturret_ring_tail(&ring, &cursor);
	for (w = 0; w < WRITERS; w++)
		CHECK(pthread_create(&threads[w], NULL, writer_thread, (void *) w) == 0,
			  "pthread_create");
	while (seconds() < end)
	{
		PgturretStats stats;

		read_some(&ring, &cursor, &seen, next_random(&state) % 500, never_gone);
		if (next_random(&state) % 4 == 0)
			pgturret_ring_commit(&ring, &cursor);
		if (next_random(&state) % 64 == 0)
			pgturret_ring_tail(&ring, &cursor);
		if (next_random(&state) % 256 == 0)
			pgturret_ring_stats(&ring, &stats);
	}
	pgturret_store(&shared->stop, 1);
	for (w = 0; w < WRITERS; w++)
		pthread_join(threads[w], NULL);
	read_rest(&cursor, &seen, never_gone);
	check_sums(&cursor, WRITERS, 0);
	report("threads", &cursor, 0);
}

static pid_t
start_writer(uint32_t writer)
{
	pid_t		pid = fork();

	CHECK(pid >= 0, "fork");
	if (pid == 0)
	{
		write_records(writer, getpid());
		_exit(0);
	}
	return pid;
}

/*
 * Processes, some of them killed.  With a pace, the ring runs dry all the
 * time and the reader sleeps, so that a lost wake-up would show.
 */
static void
test_processes(const char *what, uint64_t size, uint64_t pace,
			   unsigned kill_share, double duration)
{
	pid_t		pids[WRITERS];
	PgturretCursor cursor;
	sigset_t	mask;
	uint64_t	seen = 0;
	uint64_t	kills = 0;
	uint64_t	state = 362436069;
	double		end = seconds() + duration;
	uint32_t	writers;
	int			w;

	start_over(size, pace);
	pgturret_ring_tail(&ring, &cursor);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	pgturret_store(&ring.header->worker_pid, (uint64_t) getpid());

	for (writers = 0; writers < WRITERS; writers++)
		pids[writers] = start_writer(writers);
	while (seconds() < end)
	{
		read_some(&ring, &cursor, &seen, next_random(&state) % 500,
				  process_gone);
		if (next_random(&state) % 4 == 0)
			pgturret_ring_commit(&ring, &cursor);
		if (next_random(&state) % 64 == 0)
			pgturret_ring_tail(&ring, &cursor);
		if (kill_share > 0 && next_random(&state) % kill_share == 0 &&
			writers < INCARNATIONS)
		{
			w = (int) (next_random(&state) % WRITERS);
			kill(pids[w], SIGKILL);
			waitpid(pids[w], NULL, 0);
			kills++;
			pids[w] = start_writer(writers++);
		}
		if (pace > 0)
		{
			PgturretItem item;

			pgturret_ring_commit(&ring, &cursor);
			__atomic_store_n(&ring.header->sleeping, 1, __ATOMIC_SEQ_CST);
			if (pgturret_ring_peek(&ring, &cursor, &item) ==
				PGTURRET_ITEM_NONE)
			{
				struct timespec wait = {1, 0};

				if (sigtimedwait(&mask, NULL, &wait) < 0 && errno == EAGAIN)
					CHECK(pgturret_ring_peek(&ring, &cursor, &item) ==
						  PGTURRET_ITEM_NONE, "a wake-up was lost");
			}
			__atomic_store_n(&ring.header->sleeping, 0, __ATOMIC_SEQ_CST);
		}
	}
	pgturret_store(&shared->stop, 1);
	for (w = 0; w < WRITERS; w++)
		waitpid(pids[w], NULL, 0);
	read_rest(&cursor, &seen, process_gone);
	check_sums(&cursor, writers, kills);
	report(what, &cursor, kills);
}

static bool
always_gone(int pid)
{
	(void) pid;
	return true;
}

/*
 * Postmaster after postmaster: writers run against a ring that nobody
 * empties completely, all are killed, the ring is carried over into one of
 * another size, and what is read has the sequences that it had.
 */
static void
test_import(double duration)
{
	PgturretCursor cursor;
	uint64_t	seen = 0;
	uint64_t	kills = 0;
	uint64_t	state = 521288629;
	uint32_t	writers = 0;
	double		end = seconds() + duration;
	int			round;

	start_over(PGTURRET_RING_MIN_SIZE, 0);
	pgturret_ring_tail(&ring, &cursor);
	for (round = 0; seconds() < end && writers + WRITERS < INCARNATIONS;
		 round++)
	{
		pid_t		pids[WRITERS];
		PgturretRing next;
		PgturretCursor check;
		struct timespec pause = {0, 3000000};
		uint64_t	held;
		uint64_t	size = PGTURRET_RING_MIN_SIZE;
		int			w;

		for (w = 0; w < WRITERS; w++)
			pids[w] = start_writer(writers++);
		nanosleep(&pause, NULL);
		read_some(&ring, &cursor, &seen, next_random(&state) % 2000,
				  process_gone);
		pgturret_ring_commit(&ring, &cursor);
		read_some(&ring, &cursor, &seen, next_random(&state) % 2000,
				  process_gone);
		for (w = 0; w < WRITERS; w++)
			kill(pids[w], SIGKILL);
		for (w = 0; w < WRITERS; w++)
			waitpid(pids[w], NULL, 0);
		kills += WRITERS;

		CHECK(pgturret_ring_attach(&next, ring.header,
								   ring.header->file_size), "attach");
		CHECK(pgturret_ring_check(&next, &held), "check");
		size <<= next_random(&state) % 4;
		while (held * 2 > size)
			size *= 2;
		pgturret_ring_init(&next, map_shared(pgturret_ring_mapping_size(size)),
						   size, 1);
		CHECK(pgturret_ring_import(&next, &ring), "import");
		CHECK(next.header->boot_id == 42, "boot id");
		munmap(ring.header, ring.header->file_size);
		ring = next;
		pgturret_ring_tail(&ring, &cursor);
		check = cursor;
		read_some(&ring, &check, &seen, UINT64_MAX, always_gone);
	}
	read_rest(&cursor, &seen, process_gone);
	check_sums(&cursor, writers, kills);
	report("import", &cursor, kills);
}

/* Damage anything, and see that the ring is refused or read, never followed. */
static void
test_damage(double duration)
{
	uint64_t	size = PGTURRET_RING_MIN_SIZE;
	uint64_t	bytes = pgturret_ring_mapping_size(size);
	unsigned char *good = malloc(bytes);
	unsigned char *bad = malloc(bytes);
	unsigned char *target = malloc(pgturret_ring_mapping_size(size * 4));
	uint64_t	state = 88675123;
	uint64_t	rounds = 0;
	uint64_t	accepted = 0;
	double		end = seconds() + duration;
	PgturretClaim claim;
	uint64_t	i;

	CHECK(good != NULL && bad != NULL && target != NULL, "malloc");
	memset(good, 0, bytes);
	pgturret_ring_init(&ring, good, size, 42);
	for (i = 0; i < 400; i++)
	{
		if (pgturret_ring_reserve(&ring, i % PGTURRET_CLASSES, 300, 1, &claim))
		{
			memset(claim.data, (int) i, 300);
			if (i % 50 != 0)
				pgturret_ring_publish(&claim);
		}
	}

	while (seconds() < end)
	{
		PgturretRing broken;
		uint64_t	held;
		uint64_t	hits = 1 + next_random(&state) % 4;

		memcpy(bad, good, bytes);
		while (hits-- > 0)
		{
			/* Header and descriptors more often than the data. */
			uint64_t	range = next_random(&state) % 2 ? 8192 : bytes;
			uint64_t	at = next_random(&state) % range;
			uint64_t	length = 1 + next_random(&state) % 16;

			if (next_random(&state) % 16 == 0)
				length = 4096;
			for (i = at; i < at + length && i < bytes; i++)
				bad[i] = length == 4096 ? 0 :
					(unsigned char) next_random(&state);
		}
		rounds++;
		if (pgturret_ring_attach(&broken, bad, bytes) &&
			pgturret_ring_check(&broken, &held))
		{
			PgturretRing into;

			CHECK(held <= size, "held %llu", (unsigned long long) held);
			pgturret_ring_init(&into, target, size * 4, 1);
			if (pgturret_ring_import(&into, &broken))
				accepted++;
		}
	}
	printf("%-24s rounds %llu, accepted %llu\n", "damage",
		   (unsigned long long) rounds, (unsigned long long) accepted);
	free(good);
	free(bad);
	free(target);
}

/* A flood of statement lines leaves room for what is worse, and for markers. */
static void
test_reserve(void)
{
	PgturretClaim claim;
	PgturretCursor cursor;
	PgturretItem item;
	uint64_t	kept = 0;
	uint64_t	errors = 0;
	int			i;

	start_over(PGTURRET_RING_MIN_SIZE, 0);
	for (i = 0; i < 10000; i++)
	{
		if (pgturret_ring_reserve(&ring, 5, 400, 1, &claim))
		{
			pgturret_ring_publish(&claim);
			kept++;
		}
	}
	while (pgturret_ring_reserve(&ring, 11, 400, 1, &claim))
	{
		pgturret_ring_publish(&claim);
		errors++;
	}
	CHECK(errors * 10 >= kept, "%llu errors beside %llu lines",
		  (unsigned long long) errors, (unsigned long long) kept);
	CHECK(!pgturret_ring_reserve(&ring, 5, 8, 1, &claim), "overfull");
	CHECK(pgturret_ring_mark_drops(&ring, 1), "no room for a marker");

	pgturret_ring_tail(&ring, &cursor);
	for (i = 0; (uint64_t) i < kept; i++)
	{
		CHECK(pgturret_ring_peek(&ring, &cursor, &item) ==
			  PGTURRET_ITEM_RECORD, "item %d", i);
		pgturret_ring_advance(&cursor, &item);
	}
	CHECK(pgturret_ring_peek(&ring, &cursor, &item) == PGTURRET_ITEM_MARKER &&
		  item.delta[5] == 10000 - kept, "the marker comes first");
	printf("%-24s lines %llu, then errors %llu\n", "reserve",
		   (unsigned long long) kept, (unsigned long long) errors);
}

int
main(int argc, char **argv)
{
	double		duration = 6;
	bool		threads_only = false;
	int			i;

	for (i = 1; i < argc; i++)
	{
		if (strcmp(argv[i], "--threads-only") == 0)
			threads_only = true;
		else
			duration = atof(argv[i]);
	}
	shared = map_shared(sizeof(Shared));

	test_reserve();
	if (threads_only)
	{
		test_threads(PGTURRET_RING_MIN_SIZE, duration / 2);
		test_threads(1024 * 1024, duration / 2);
		return 0;
	}
	test_threads(PGTURRET_RING_MIN_SIZE, duration / 6);
	test_processes("processes, killed", PGTURRET_RING_MIN_SIZE, 0, 64,
				   duration / 6);
	test_processes("processes, killed, large", 4 * 1024 * 1024, 0, 64,
				   duration / 6);
	test_processes("processes, sleepy", 1024 * 1024, 50, 0, duration / 6);
	test_import(duration / 6);
	test_damage(duration / 6);
	return 0;
}
