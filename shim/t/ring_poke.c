/*-------------------------------------------------------------------------
 *
 * ring_poke.c
 *	  A writer that stops between claim and publish, on a live server's ring.
 *
 * Maps the ring's file, claims room for a record, says "claimed" and waits for
 * a byte on its standard input.  Then it publishes and says "published", or
 * "buried" if the worker took it for dead.  Kill it before that byte, and it
 * is a writer that died in the worst moment.
 *
 * What it publishes is no valid frame, so the worker counts it as dead all
 * the same; what matters is what happens to the records behind it.
 *
 * Usage: ring_poke RINGFILE
 *
 * IDENTIFICATION
 *	  shim/t/ring_poke.c
 *
 *-------------------------------------------------------------------------
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ring.h"

#define CLASS_LOG	5
#define BYTES		100

int
main(int argc, char **argv)
{
	PgturretRing ring;
	PgturretClaim claim;
	struct stat st;
	void	   *memory;
	int			fd;

	if (argc != 2 || (fd = open(argv[1], O_RDWR)) < 0 || fstat(fd, &st) != 0)
		return 2;
	memory = mmap(NULL, (size_t) st.st_size, PROT_READ | PROT_WRITE,
				  MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED ||
		!pgturret_ring_attach(&ring, memory, (uint64_t) st.st_size) ||
		!pgturret_ring_reserve(&ring, CLASS_LOG, BYTES, getpid(), &claim))
		return 3;
	puts("claimed");
	fflush(stdout);
	if (getchar() == EOF)
		return 4;
	memset(claim.data, 'x', BYTES);
	puts(pgturret_ring_publish(&claim) ? "published" : "buried");
	return 0;
}
