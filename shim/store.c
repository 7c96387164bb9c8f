/*-------------------------------------------------------------------------
 *
 * store.c
 *	  Where the ring lives, and how it gets from one postmaster to the next.
 *
 * The ring is a file in memory (ring_directory, /dev/shm), mapped once, in
 * _PG_init.  Every process inherits the mapping.  It is no part of
 * PostgreSQL's shared memory, so it survives a crash restart; it has a name,
 * so it survives a killed postmaster; and no disk is behind it, so a store
 * into it never waits: docs/decisions/0007-ring.md has the measurements.
 *
 * The data directory says where it is: pg_stat_tmp/pgturret.ring is a symbolic
 * link to the file while the server runs.  When the postmaster ends, it
 * writes what the ring still holds into an ordinary file of that name and
 * removes the one in memory, so that a stopped server leaves nothing outside
 * its data directory.  Base backups and pg_rewind leave pg_stat_tmp out.
 *
 * A start never goes on using the file that it finds, link or not.  It makes
 * a new one, carries over what the old one still holds, and then moves the
 * link.  So a process of an earlier postmaster that is still writing writes
 * to a file that nobody reads any more, every claim in the old file is that
 * of a dead writer by definition, the size may change at any start, and a
 * start that is interrupted leaves the old file as it was.
 *
 * The file belongs to one cluster: it names the system identifier, the inode
 * of the data directory and its own inode.  A copied data directory (a
 * standby, a restored backup) has other inodes, and starts an empty ring
 * with a boot id of its own, or both would number different records alike.
 * Device numbers are left out, because they change when a machine restarts.
 *
 * The postmaster holds two locks, which its children do not inherit.  One on
 * pg_stat_tmp/pgturret.lock, because it gives up its pid file before it has
 * saved the ring, and the next postmaster must wait for that.  One on the file
 * in memory: a snapshot of the data directory that keeps every inode cannot
 * take the ring of a server that runs.
 *
 * Nothing here may stop the server from starting: without a usable file the
 * ring lives in nameless memory, which costs what it holds when the
 * postmaster is killed.
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
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "access/xlog.h"
#include "miscadmin.h"

#include "store.h"

#define RING_LINK		"pg_stat_tmp/pgturret.ring"
#define RING_LINK_NEW	"pg_stat_tmp/pgturret.ring.new"
#define RING_LOCK		"pg_stat_tmp/pgturret.lock"

#define LOCK_ATTEMPTS	500		/* 10 milliseconds each */

/* File systems without a disk behind them, from linux/magic.h. */
#define TMPFS_TYPE		0x01021994
#define RAMFS_TYPE		0x858458f6
#define HUGETLBFS_TYPE	0x958458f6

/* What an earlier postmaster left. */
typedef struct OldRing
{
	PgturretRing ring;
	void	   *memory;			/* NULL if there is nothing to carry over */
	uint64		size;
	uint64		held;			/* bytes */
	int			fd;				/* holds the lock, or -1 */
	char		target[MAXPGPATH];	/* of the link, to be removed; or empty */
} OldRing;

/* For the end of the process that made the ring. */
static PgturretRing *store_ring = NULL;
static pid_t store_pid = 0;
static char store_target[MAXPGPATH];
static int	store_fd = -1;

/* A random number that names one ring's numbering of records. */
int64
pgturret_new_boot_id(void)
{
	uint64		id = 0;

	if (!pg_strong_random(&id, sizeof(id)))
		id = (uint64) time(NULL) << 32 ^ (uint64) getpid() << 8;
	return (int64) (id & (uint64) PG_INT64_MAX);
}

static uint64
data_directory_inode(void)
{
	struct stat st;

	return stat(DataDir, &st) == 0 ? (uint64) st.st_ino : 0;
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

/* Write all of it.  False, with errno set, if that fails. */
static bool
write_file(int fd, const void *bytes, uint64 size)
{
	uint64		done = 0;

	while (done < size)
	{
		ssize_t		n = write(fd, (const char *) bytes + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
		{
			if (n == 0)
				errno = ENOSPC;
			return false;
		}
		done += (uint64) n;
	}
	return true;
}

/* Take the lock that says that this process's server uses the file. */
static bool
lock_file(int fd, int attempts)
{
	struct flock lock;

	memset(&lock, 0, sizeof(lock));
	lock.l_type = F_WRLCK;
	lock.l_whence = SEEK_SET;
	while (fcntl(fd, F_SETLK, &lock) != 0)
	{
		if ((errno != EACCES && errno != EAGAIN && errno != EINTR) ||
			--attempts <= 0)
			return false;
		pg_usleep(10 * 1000L);
	}
	return true;
}

/* Wait for the postmaster before this one to have saved its ring. */
static void
lock_directory(void)
{
	int			fd = open(RING_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	/* It stays open, and so locked, until the process ends. */
	if (fd < 0 || !lock_file(fd, LOCK_ATTEMPTS))
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("could not lock file \"%s\": %m", RING_LOCK)));
}

/* Open a file that only our own account can have put there. */
static int
open_own(const char *path, struct stat *st)
{
	int			fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode) ||
		st->st_uid != geteuid())
	{
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

/* Where a link leads; empty if it is none. */
static void
read_link(const char *path, char target[MAXPGPATH])
{
	ssize_t		length = readlink(path, target, MAXPGPATH - 1);

	target[Max(length, 0)] = '\0';
}

/*
 * A start that was interrupted named its new file here before it made it.
 */
static void
remove_unfinished(void)
{
	char		target[MAXPGPATH];
	struct stat st;
	int			fd;

	read_link(RING_LINK_NEW, target);
	if (target[0] != '\0' && (fd = open_own(target, &st)) >= 0)
	{
		if (lock_file(fd, 1))
			unlink(target);
		close(fd);
	}
	unlink(RING_LINK_NEW);
}

/*
 * Load the ring that an earlier postmaster left.  It is read, not mapped, so
 * that a damaged disk is an error and not a signal.
 */
static void
load_old(OldRing *old)
{
	struct stat st;
	const char *reason = NULL;
	bool		foreign = false;

	memset(old, 0, sizeof(*old));
	read_link(RING_LINK, old->target);
	old->fd = open_own(RING_LINK, &st);
	if (old->fd < 0)
	{
		if (errno != ENOENT)
			ereport(WARNING,
					(errcode_for_file_access(),
					 errmsg("could not open file \"%s\": %m", RING_LINK),
					 errdetail("Log records that it may hold are lost.")));
		else if (old->target[0] != '\0')
			ereport(LOG,
					(errmsg("file \"%s\" is gone, starting an empty ring",
							old->target)));
		old->target[0] = '\0';
		return;
	}

	if (!lock_file(old->fd, 1))
		foreign = true;
	else if (st.st_size <= 0 ||
			 (uint64) st.st_size > pgturret_ring_mapping_size(PGTURRET_RING_MAX_SIZE))
		reason = "It has no possible size.";
	else
	{
		old->size = (uint64) st.st_size;
		old->memory = read_file(old->fd, old->size);
		if (old->memory == NULL)
			reason = "It could not be read.";
		else if (!pgturret_ring_attach(&old->ring, old->memory, old->size))
			reason = "Its header is not that of a ring of this version.";
		else if (old->ring.header->system_id != GetSystemIdentifier() ||
				 old->ring.header->directory_inode != data_directory_inode() ||
				 old->ring.header->file_inode != (uint64) st.st_ino)
			foreign = true;
		else if (!pgturret_ring_check(&old->ring, &old->held))
			reason = "Its contents are inconsistent.";
	}

	/* A copy of another cluster's: expected, and not ours to send or remove. */
	if (foreign)
	{
		old->target[0] = '\0';
		ereport(LOG,
				(errmsg("file \"%s\" belongs to another cluster, starting an empty ring",
						RING_LINK)));
	}
	else if (reason != NULL)
		ereport(WARNING,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("file \"%s\" is not usable, starting an empty ring",
						RING_LINK),
				 errdetail_internal("%s", reason)));
	if ((foreign || reason != NULL) && old->memory != NULL)
	{
		munmap(old->memory, old->size);
		old->memory = NULL;
	}
}

/* Forget what was loaded. */
static void
release_old(OldRing *old)
{
	if (old->memory != NULL)
		munmap(old->memory, old->size);
	if (old->target[0] != '\0' && unlink(old->target) != 0 && errno != ENOENT)
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("could not remove file \"%s\": %m", old->target)));
	if (old->fd >= 0)
		close(old->fd);
}

/*
 * Give the file all of its pages now.  A store into a mapping whose page
 * cannot be had would be a SIGBUS in whatever process logs at that moment.
 * Written, not only allocated: the kernel maps several pages at a time only
 * of those that have content.
 */
static bool
fill_file(int fd, uint64 size)
{
	static const char zeros[64 * 1024];
	uint64		done;
	int			failure;

	failure = posix_fallocate(fd, 0, (off_t) size);
	if (failure != 0)
	{
		errno = failure;
		return false;
	}
	for (done = 0; done < size; done += sizeof(zeros))
	{
		if (!write_file(fd, zeros, Min(size - done, sizeof(zeros))))
			return false;
	}
	return true;
}

/* Do not take more than half of what a small directory has left. */
static bool
has_space(const char *directory, uint64 size)
{
	struct statvfs fs;

	if (statvfs(directory, &fs) != 0)
		return false;
	if ((uint64) fs.f_bavail * fs.f_frsize / 2 < size)
	{
		errno = ENOSPC;
		return false;
	}
	return true;
}

/* The operator may want a disk behind the ring, but should know the price. */
static void
warn_about_disk(const char *directory)
{
	struct statfs fs;

	if (statfs(directory, &fs) == 0 &&
		(uint32) fs.f_type != TMPFS_TYPE &&
		(uint32) fs.f_type != RAMFS_TYPE &&
		(uint32) fs.f_type != HUGETLBFS_TYPE)
		ereport(WARNING,
				(errmsg("\"pgturret.ring_directory\" is not in memory"),
				 errdetail("Sessions that log may wait for the file system of \"%s\".",
						   directory)));
}

/*
 * Map a new file of this size, its name in store_target.  NULL, with errno
 * set, if that fails.
 */
static void *
map_new(const char *directory, uint64 size, uint64 *inode)
{
	struct stat st;
	void	   *memory = MAP_FAILED;
	int			saved_errno;

	snprintf(store_target, sizeof(store_target), "%s%s%s/pgturret.%016llx",
			 directory[0] == '/' ? "" : DataDir,
			 directory[0] == '/' ? "" : "/",
			 directory, (unsigned long long) pgturret_new_boot_id());

	/* The link first, so that a start that ends here leaves no unknown file. */
	if (!has_space(directory, size) ||
		symlink(store_target, RING_LINK_NEW) != 0)
		return NULL;
	store_fd = open(store_target, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (store_fd >= 0)
	{
		if (lock_file(store_fd, 1) && fill_file(store_fd, size) &&
			fstat(store_fd, &st) == 0)
			memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
						  store_fd, 0);
		if (memory != MAP_FAILED)
		{
			*inode = (uint64) st.st_ino;
			return memory;
		}
		saved_errno = errno;
		unlink(store_target);
		close(store_fd);
		store_fd = -1;
		errno = saved_errno;
	}
	saved_errno = errno;
	unlink(RING_LINK_NEW);
	errno = saved_errno;
	return NULL;
}

/* Memory without a name, all of it there.  NULL, with errno set, if not. */
static void *
map_nameless(uint64 size)
{
	void	   *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
							  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	memset(memory, 0, size);
	return memory;
}

/*
 * Write a ring that is just large enough for what this one holds.  False,
 * with errno set, if that fails.
 */
static bool
save_ring(PgturretRing *ring)
{
	PgturretRing copy;
	struct stat st;
	uint64		held;
	uint64		data_size = PGTURRET_RING_MIN_SIZE;
	uint64		size;
	void	   *memory;
	bool		saved = false;
	int			fd;

	if (!pgturret_ring_check(ring, &held))
	{
		errno = EINVAL;
		return false;
	}
	while (held * 2 > data_size && data_size < PGTURRET_RING_MAX_SIZE)
		data_size *= 2;
	size = pgturret_ring_mapping_size(data_size);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	pgturret_ring_init(&copy, memory, data_size, 0);

	unlink(RING_LINK_NEW);
	fd = open(RING_LINK_NEW, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
	{
		if (!pgturret_ring_import(&copy, ring))
			errno = EINVAL;
		else if (fstat(fd, &st) == 0)
		{
			/* Not asked again: PostgreSQL's shared memory has gone by now. */
			copy.header->system_id = ring->header->system_id;
			copy.header->directory_inode = ring->header->directory_inode;
			copy.header->file_inode = (uint64) st.st_ino;
			saved = write_file(fd, memory, size) &&
				rename(RING_LINK_NEW, RING_LINK) == 0;
		}
		close(fd);
		if (!saved)
			unlink(RING_LINK_NEW);
	}
	munmap(memory, size);
	return saved;
}

/*
 * The end of the postmaster (or of a single-user server), after its very last
 * line: PostgreSQL says "database system is shut down" from its own list of
 * callbacks, and atexit comes after that.  Children inherit the list.
 *
 * If the ring cannot be saved, it stays where it is, and the link with it.
 */
static void
store_close(void)
{
	if (getpid() != store_pid || store_ring == NULL)
		return;
	if (!save_ring(store_ring))
		write_stderr("pgturret: could not save log records to \"%s\": %s\n",
					 RING_LINK, strerror(errno));
	else if (store_target[0] != '\0')
		unlink(store_target);
	store_ring = NULL;
}

/*
 * Make the ring of this postmaster.  False only if there is no memory at all.
 */
bool
pgturret_store_open(PgturretRing *ring, const char *directory,
					uint64 data_size)
{
	OldRing		old;
	void	   *memory = NULL;
	uint64		size;
	uint64		inode = 0;

	lock_directory();
	remove_unfinished();
	load_old(&old);

	/* A smaller queue_size waits until what is held has been delivered. */
	while (old.memory != NULL && old.held * 2 > data_size &&
		   data_size < PGTURRET_RING_MAX_SIZE)
		data_size *= 2;
	size = pgturret_ring_mapping_size(data_size);

	if (directory[0] != '\0')
	{
		memory = map_new(directory, size, &inode);
		if (memory == NULL)
			ereport(WARNING,
					(errcode_for_file_access(),
					 errmsg("could not create a file of %llu kB in \"%s\": %m",
							(unsigned long long) size / 1024, directory),
					 errdetail("Log records wait for the listener in memory, and are lost when the postmaster is killed.")));
		else
			warn_about_disk(directory);
	}
	if (memory == NULL)
	{
		store_target[0] = '\0';
		memory = map_nameless(size);
		if (memory == NULL)
		{
			ereport(WARNING,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("could not map %llu bytes for log records: %m",
							(unsigned long long) size)));
			if (old.memory != NULL)
				munmap(old.memory, old.size);
			if (old.fd >= 0)
				close(old.fd);
			return false;
		}
	}

	pgturret_ring_init(ring, memory, data_size,
					   (uint64) pgturret_new_boot_id());
	if (old.memory != NULL && !pgturret_ring_import(ring, &old.ring))
	{
		ereport(WARNING,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("could not carry over log records from file \"%s\"",
						RING_LINK)));
		pgturret_ring_init(ring, memory, data_size,
						   (uint64) pgturret_new_boot_id());
	}
	ring->header->system_id = GetSystemIdentifier();
	ring->header->directory_inode = data_directory_inode();
	ring->header->file_inode = inode;

	/* From here on, what was carried over must not come again. */
	if (store_target[0] != '\0' ?
		rename(RING_LINK_NEW, RING_LINK) != 0 :
		unlink(RING_LINK) != 0 && errno != ENOENT)
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("could not replace file \"%s\": %m", RING_LINK)));
	release_old(&old);

	store_ring = ring;
	store_pid = getpid();
	atexit(store_close);
	return true;
}
