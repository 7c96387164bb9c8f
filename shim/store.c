/*-------------------------------------------------------------------------
 *
 * store.c
 *	  The file behind the ring.
 *
 * Runs once, in the postmaster, from _PG_init.  The mapping is inherited by
 * every process and is no part of PostgreSQL's shared memory, so that it
 * survives a crash restart; being a file, it survives the postmaster too.
 *
 * A start never goes on using the file that it finds.  It makes a new one,
 * carries over what the old one still holds, and renames it into place.  So
 * a process of an earlier postmaster that is still writing writes to a file
 * that nobody reads any more, every claim in the old file is that of a dead
 * writer by definition, the size may change at any start, and a start that
 * is interrupted leaves the old file as it was.
 *
 * The file belongs to one cluster: it names the system identifier, the inode
 * of the data directory and its own inode.  A copied data directory (a
 * standby, a restored backup) has other inodes, and starts an empty ring
 * with a boot id of its own, or both would number different records alike.
 * Device numbers are left out, because they change when a machine restarts.
 *
 * Nothing here may stop the server from starting: without a usable file the
 * ring lives in memory, which costs what it holds when the postmaster dies.
 *
 * IDENTIFICATION
 *	  shim/store.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "access/xlog.h"
#include "miscadmin.h"

#include "store.h"

#define RING_FILE		"pgturret.ring"
#define RING_FILE_NEW	"pgturret.ring.new"

/* A random number that names one ring's numbering of records. */
int64
pgturret_new_boot_id(void)
{
	uint64		id = 0;

	if (!pg_strong_random(&id, sizeof(id)))
		id = (uint64) time(NULL) << 32 ^ (uint64) getpid() << 8;
	return (int64) (id & (uint64) PG_INT64_MAX);
}

/* Read a file's first bytes into new memory.  NULL if that fails. */
static void *
read_file(int fd, uint64 size)
{
	unsigned char *memory;
	uint64		done = 0;

	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	while (done < size)
	{
		ssize_t		n = pread(fd, memory + done,
							  Min(size - done, (uint64) 1 << 30),
							  (off_t) done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
		{
			munmap(memory, size);
			return NULL;
		}
		done += (uint64) n;
	}
	return memory;
}

/*
 * Load the ring that an earlier postmaster left.  It is read, not mapped, so
 * that a damaged disk is an error and not a signal.  Returns the memory, or
 * NULL if there is nothing to carry over.
 */
static void *
load_old(PgturretRing *old, const char *path, uint64 directory_inode,
		 uint64 *size, uint64 *held)
{
	struct stat st;
	void	   *memory = NULL;
	const char *reason = NULL;
	int			fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
	{
		if (errno != ENOENT)
			ereport(WARNING,
					(errcode_for_file_access(),
					 errmsg("could not open file \"%s\": %m", path),
					 errdetail("Log records that it may hold are lost.")));
		return NULL;
	}

	*size = 0;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
		(uint64) st.st_size > pgturret_ring_mapping_size(PGTURRET_RING_MAX_SIZE))
		reason = "It has no possible size.";
	else
	{
		*size = (uint64) st.st_size;
		memory = read_file(fd, *size);
		if (memory == NULL)
			reason = "It could not be read.";
		else if (!pgturret_ring_attach(old, memory, *size))
			reason = "Its header is not that of a ring of this version.";
		else if (old->header->system_id != GetSystemIdentifier() ||
				 old->header->directory_inode != directory_inode ||
				 old->header->file_inode != (uint64) st.st_ino)
		{
			/* A copy of another cluster's: expected, and not ours to send. */
			ereport(LOG,
					(errmsg("file \"%s\" belongs to another cluster, starting an empty ring",
							path)));
			munmap(memory, *size);
			memory = NULL;
		}
		else if (!pgturret_ring_check(old, held))
			reason = "Its contents are inconsistent.";
	}
	close(fd);

	if (reason != NULL)
	{
		ereport(WARNING,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("file \"%s\" is not usable, starting an empty ring", path),
				 errdetail_internal("%s", reason)));
		if (memory != NULL)
			munmap(memory, *size);
		memory = NULL;
	}
	return memory;
}

/* Map a new file of this size.  NULL, with errno set, if that fails. */
static void *
map_new(const char *path, uint64 size, struct stat *st)
{
	void	   *memory = MAP_FAILED;
	int			saved;
	int			fd;

	if (unlink(path) != 0 && errno != ENOENT)
		return NULL;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return NULL;

	/*
	 * All blocks now: a store into a mapping whose block cannot be allocated
	 * would be a SIGBUS in whatever process logs at that moment.
	 */
	saved = posix_fallocate(fd, 0, (off_t) size);
	if (saved == 0)
	{
		errno = 0;
		if (fstat(fd, st) == 0)
			memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
						  fd, 0);
		saved = errno;
	}
	close(fd);
	if (memory == MAP_FAILED)
	{
		unlink(path);
		errno = saved;
		return NULL;
	}
	return memory;
}

/*
 * Make the ring of this postmaster.  False only if there is no memory at all.
 */
bool
pgturret_store_open(PgturretRing *ring, const char *directory,
					uint64 data_size)
{
	char		path[MAXPGPATH];
	char		path_new[MAXPGPATH];
	struct stat directory_stat;
	struct stat st;
	PgturretRing old;
	void	   *old_memory;
	void	   *memory;
	uint64		old_size = 0;
	uint64		held = 0;
	uint64		size;
	uint64		directory_inode = 0;
	bool		in_file = true;

	snprintf(path, sizeof(path), "%s/%s", directory, RING_FILE);
	snprintf(path_new, sizeof(path_new), "%s/%s", directory, RING_FILE_NEW);
	if (stat(DataDir, &directory_stat) == 0)
		directory_inode = (uint64) directory_stat.st_ino;

	old_memory = load_old(&old, path, directory_inode, &old_size, &held);

	/* A smaller queue_size waits until what is held has been delivered. */
	while (old_memory != NULL && held * 2 > data_size &&
		   data_size < PGTURRET_RING_MAX_SIZE)
		data_size *= 2;

	size = pgturret_ring_mapping_size(data_size);
	memory = map_new(path_new, size, &st);
	if (memory == NULL)
	{
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("could not create file \"%s\": %m", path_new),
				 errdetail("Log records wait for the listener in memory, and are lost when the server stops.")));
		in_file = false;
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
		{
			ereport(WARNING,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("could not map %llu bytes for log records: %m",
							(unsigned long long) size)));
			if (old_memory != NULL)
				munmap(old_memory, old_size);
			return false;
		}
	}

	pgturret_ring_init(ring, memory, data_size,
					   (uint64) pgturret_new_boot_id());
	if (old_memory != NULL)
	{
		if (!pgturret_ring_import(ring, &old))
		{
			ereport(WARNING,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("could not carry over log records from file \"%s\"",
							path)));
			pgturret_ring_init(ring, memory, data_size,
							   (uint64) pgturret_new_boot_id());
		}
		munmap(old_memory, old_size);
	}
	ring->header->system_id = GetSystemIdentifier();
	ring->header->directory_inode = directory_inode;

	if (in_file)
	{
		ring->header->file_inode = (uint64) st.st_ino;
		if (rename(path_new, path) != 0)
			ereport(WARNING,
					(errcode_for_file_access(),
					 errmsg("could not rename file \"%s\" to \"%s\": %m",
							path_new, path)));
	}
	else
	{
		/* What was carried over must not come again at the next start. */
		if (unlink(path) != 0 && errno != ENOENT)
			ereport(WARNING,
					(errcode_for_file_access(),
					 errmsg("could not remove file \"%s\": %m", path)));
	}
	return true;
}
