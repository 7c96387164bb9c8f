/*-------------------------------------------------------------------------
 *
 * ring_bench.c
 *	  What the ring costs writers that do nothing else, and what any ring would.
 *
 * Writers are processes, each on a core of its own as far as there are some,
 * that have seen every page before.  "ring" is the ring.  "counter" is what
 * no shared buffer can go below: one atomic addition for the place, and the
 * copy.  "handover" is one cache line that two cores write in turn.
 *
 * Usage: ring_bench ring|counter|handover WRITERS [WORK]
 *		prints processor ns a record; WORK is steps of computing in between,
 *		which are not counted
 *
 * IDENTIFICATION
 *	  bench/shim/ring/ring_bench.c
 *
 *-------------------------------------------------------------------------
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ring.h"

#define RECORDS		200000
#define BYTES		400
#define RING_SIZE	((uint64_t) 256 * 1024 * 1024)
#define HANDOVERS	1000000
#define MAX_WRITERS	64

/* What all processes share, a line each. */
typedef struct Shared
{
	uint64_t	ready __attribute__((aligned(64)));
	uint64_t	counter __attribute__((aligned(64)));
	double		cost[MAX_WRITERS] __attribute__((aligned(64)));
} Shared;

static Shared *shared;
static PgturretRing ring;
static char record[BYTES];

static void *
map_shared(size_t size)
{
	void	   *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
							  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
	{
		perror("mmap");
		exit(1);
	}
	return memory;
}

static double
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void
compute(long steps)
{
	static volatile uint64_t value;

	while (steps-- > 0)
		value = value * 6364136223846793005u + 1;
}

static void
write_ring(void)
{
	PgturretClaim claim;
	int			worker;

	if (!pgturret_ring_reserve(&ring, 5, BYTES, 1, &claim))
		exit(1);
	memcpy(claim.data, record, BYTES);
	pgturret_ring_publish(&claim);
	pgturret_ring_claim_wakeup(&ring, &worker);
}

static void
write_counter(void)
{
	uint64_t	at = __atomic_fetch_add(&shared->counter, BYTES + 8,
										__ATOMIC_SEQ_CST);

	memcpy(ring.data + at % (RING_SIZE - BYTES), record, BYTES);
}

/* Starts when all do, on its own core. */
static void
line_up(int self, int writers)
{
	cpu_set_t	cores;
	volatile char sum = 0;
	uint64_t	i;

	CPU_ZERO(&cores);
	CPU_SET(self % sysconf(_SC_NPROCESSORS_ONLN), &cores);
	sched_setaffinity(0, sizeof(cores), &cores);
	for (i = 0; i < RING_SIZE; i += 4096)
		sum += ring.data[i];
	__atomic_fetch_add(&shared->ready, 1, __ATOMIC_SEQ_CST);
	while (pgturret_load(&shared->ready) < (uint64_t) writers)
		sched_yield();
}

static double
measure(void (*write_one) (void), int writers, long work)
{
	int			records = RECORDS / writers;
	double		alone = cpu_ns();
	double		begun;
	int			i;

	for (i = 0; i < records && work > 0; i++)
		compute(work);
	begun = cpu_ns();
	alone = begun - alone;
	for (i = 0; i < records; i++)
	{
		compute(work);
		write_one();
	}
	return (cpu_ns() - begun - alone) / records;
}

static double
hand_over(int self)
{
	double		begun = cpu_ns();
	int			i;

	for (i = 0; i < HANDOVERS; i++)
	{
		while ((pgturret_load(&shared->counter) & 1) != (uint64_t) self)
			;
		pgturret_store(&shared->counter, pgturret_load(&shared->counter) + 1);
	}
	return (cpu_ns() - begun) / HANDOVERS / 2;
}

int
main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	int			writers = argc > 2 ? atoi(argv[2]) : 0;
	long		work = argc > 3 ? atol(argv[3]) : 0;
	double		sum = 0;
	int			i;

	if (writers < 1 || writers > MAX_WRITERS)
		return 2;
	shared = map_shared(sizeof(Shared));
	pgturret_ring_init(&ring, map_shared(pgturret_ring_mapping_size(RING_SIZE)),
					   RING_SIZE, 42);
	memset(ring.data, 0, RING_SIZE);
	for (i = 0; i < writers; i++)
	{
		if (fork() != 0)
			continue;
		line_up(i, writers);
		shared->cost[i] = strcmp(mode, "handover") == 0 ? hand_over(i) :
			measure(strcmp(mode, "ring") == 0 ? write_ring : write_counter,
					writers, work);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	for (i = 0; i < writers; i++)
		sum += shared->cost[i];
	printf("%.0f\n", sum / writers);
	return 0;
}
