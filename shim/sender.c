/*-------------------------------------------------------------------------
 *
 * sender.c
 *	  The background worker that carries the ring to the listener.
 *
 * The worker is the ring's only reader.  It keeps two cursors: the committed
 * one, up to which everything is acknowledged and its space given back, and
 * the fill cursor, up to which frames went to the output buffer.  A broken
 * connection throws the fill cursor away; the next one starts from the
 * committed cursor, or where the listener says that its journal ends.
 *
 * It never blocks other than on its latch, and never on the listener.  Its
 * own messages go through the ring like everybody's, so it reports changes
 * of state only, never attempts.
 *
 * How it waits: after a small batch it naps for ten milliseconds without
 * asking to be woken, so that a busy server pays no signal per record, and
 * worker and listener do not take the processor from sessions for a handful
 * of records at a time: against two milliseconds, the whole costs a third
 * less.  Only when a nap found nothing new does it set the sleeping flag, so
 * the first record after a pause is sent at once.  While there
 * is no connection it never asks to be woken.
 *
 * IDENTIFICATION
 *	  shim/sender.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "compat.h"
#include "port/pg_bswap.h"
#include "postmaster/interrupt.h"
#include "postmaster/postmaster.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "frame.h"
#include "sender.h"
#include "store.h"

#define MILLISECONDS		1000	/* times are in microseconds */
#define SECONDS				(1000 * (int64) MILLISECONDS)

#define OUT_TARGET			(512 * 1024)	/* fill up to this */
#define OUT_SLACK			4096	/* room for what is not a record */
#define BUSY_BATCH			(64 * 1024) /* rest longer above this */
#define NAP					(10 * MILLISECONDS)
#define LONG_NAP			(20 * MILLISECONDS)
#define LONG_NAP_SHARE		16	/* of the ring: batches below may rest long */
#define RETRY_FIRST			(100 * MILLISECONDS)
#define RETRY_LAST			(5 * SECONDS)
#define ANSWER_TIMEOUT		(10 * SECONDS)
#define HEARTBEAT			(8 * SECONDS)	/* the protocol allows 10 */
#define WRITER_CHECK		(50 * MILLISECONDS)
#define DRAIN_TIMEOUT		(2 * SECONDS)
#define DRAIN_QUIET			(100 * MILLISECONDS)

#define ACK_PAYLOAD			16

typedef enum SenderPhase
{
	SENDER_DOWN,
	SENDER_ANSWER,				/* sent R, waiting for the first A */
	SENDER_STREAM
} SenderPhase;

typedef struct Sender
{
	SenderPhase phase;
	int			sock;
	int			protocol;		/* of this connection */
	PgturretCursor tail;		/* committed */
	PgturretCursor fill;		/* in the output buffer */
	uint64		resume;			/* sequences below this are not sent again */

	unsigned char *out;
	size_t		out_size;
	size_t		out_length;
	size_t		out_sent;
	uint64		out_seq;		/* sequence of the buffer's first frame */
	int64		nap;			/* how long to rest behind it */

	unsigned char in[256];
	size_t		in_length;

	int64		opened;			/* when this connection was made */
	int64		wrote;			/* last time bytes went out */
	int64		retry_at;
	int64		retry_delay;
	bool		progress;		/* this connection acknowledged something */
	bool		reported_up;
	bool		reported_down;
	uint64		jitter;

	uint64		waiting_for;	/* slot of a claim not yet published */
	int64		waiting_since;
} Sender;

static Sender sender;

static void sender_disconnect(const char *reason);

static int64
now_micros(void)
{
	struct timeval tv;

	gettimeofday(&tv, NULL);
	return (int64) tv.tv_sec * SECONDS + tv.tv_usec;
}

/*
 * Has this process ended?  One that is stopped has not.  All writers run as
 * our own user, so a process that we may not signal is another one that got
 * the number.
 */
bool
pgturret_process_gone(int pid)
{
	return pid <= 0 || pid == MyProcPid ||
		(kill(pid, 0) != 0 && (errno == ESRCH || errno == EPERM));
}

/* A writer woke us.  MyLatch is this process's own. */
static void
sender_wakeup(SIGNAL_ARGS)
{
	int			saved_errno = errno;

	SetLatch(MyLatch);
	errno = saved_errno;
}

/* Leave nothing behind that makes writers signal a pid that is not ours. */
static void
sender_exit(int code, Datum arg)
{
	pgturret_store(&pgturret_ring->header->sleeping, 0);
	pgturret_store(&pgturret_ring->header->worker_pid, 0);
	pgturret_store(&pgturret_ring->header->connected, 0);
}

/* Look at the slot under a cursor, its contents checked. */
static PgturretItemKind
look(const PgturretCursor *cursor, PgturretItem *item, PgturretRecord *record)
{
	pgturret_ring_peek(pgturret_ring, cursor, item);
	if (item->kind == PGTURRET_ITEM_RECORD &&
		!pgturret_record_valid(item->data, item->bytes, record))
		item->kind = PGTURRET_ITEM_DEAD;
	return item->kind;
}

/* Is there something that could be sent? */
static bool
more_to_send(void)
{
	PgturretItem item;

	pgturret_ring_peek(pgturret_ring, &sender.fill, &item);
	return item.kind != PGTURRET_ITEM_NONE &&
		item.kind != PGTURRET_ITEM_PENDING;
}

/*
 * A claimed slot holds up everything behind it.  If its writer has ended,
 * count the record and go on.
 */
static void
check_writer(const PgturretItem *item)
{
	int64		now = now_micros();

	if (sender.waiting_for != sender.fill.count + 1)
	{
		sender.waiting_for = sender.fill.count + 1;
		sender.waiting_since = now;
	}
	else if (now - sender.waiting_since >= WRITER_CHECK ||
			 now < sender.waiting_since)
	{
		if (pgturret_process_gone(item->pid))
			pgturret_ring_bury(pgturret_ring, &sender.fill, item);
		sender.waiting_since = now;
	}
}

/* Room for this many more bytes of output. */
static void
need_output(size_t bytes)
{
	size_t		size = sender.out_length + bytes + OUT_SLACK;

	if (size <= sender.out_size)
		return;
	sender.out = repalloc_huge(sender.out, size);
	sender.out_size = size;
}

/* Announce drops, leaving out what the listener knows already. */
static void
put_drops(uint64 first, uint64 count, int elevel, const char *reason)
{
	if (sender.protocol < 2)
		return;
	if (first < sender.resume)
	{
		uint64		known = Min(sender.resume - first, count);

		first += known;
		count -= known;
	}
	if (count > 0)
		sender.out_length += pgturret_put_drops(sender.out + sender.out_length,
												(int64) first, (int64) count,
												elevel, reason);
}

/* Move frames from the ring to the output buffer. */
static void
fill_output(void)
{
	PgturretItem item;
	PgturretRecord record;

	if (sender.out_length == 0)
		sender.out_seq = Max(sender.fill.seq, sender.resume);

	while (sender.out_length < OUT_TARGET)
	{
		uint64		seq = sender.fill.seq;
		int			i;

		look(&sender.fill, &item, &record);
		if (item.kind == PGTURRET_ITEM_NONE)
			break;
		if (item.kind == PGTURRET_ITEM_PENDING)
		{
			check_writer(&item);
			break;
		}

		if (item.kind == PGTURRET_ITEM_RECORD)
		{
			const unsigned char *frame = item.data + sizeof(record);

			need_output(record.frame_bytes);
			if (sender.protocol >= 2)
			{
				memcpy(sender.out + sender.out_length, frame,
					   record.frame_bytes);
				sender.out_length += record.frame_bytes;
			}
			else
				sender.out_length +=
					pgturret_put_record1(sender.out + sender.out_length,
										 frame, &record);
		}
		else if (item.kind == PGTURRET_ITEM_MARKER)
		{
			need_output(0);
			for (i = 0; i < PGTURRET_CLASSES; i++)
			{
				put_drops(seq, item.delta[i], PGTURRET_ELEVEL_BASE + i,
						  "queue_full");
				seq += item.delta[i];
			}
		}
		else if (item.span > 0)
		{
			need_output(0);
			put_drops(seq, 1, PGTURRET_ELEVEL_BASE + (int) item.class,
					  "writer_died");
		}
		pgturret_ring_advance(&sender.fill, &item);
	}
}

/*
 * Give back the space of everything up to a sequence.  False if the ring
 * does not reach that far.
 */
static bool
release_up_to(uint64 acked)
{
	PgturretItem item;
	PgturretRecord record;
	uint64		before = sender.tail.count;
	bool		reached = true;

	for (;;)
	{
		look(&sender.tail, &item, &record);
		if (item.kind == PGTURRET_ITEM_NONE ||
			item.kind == PGTURRET_ITEM_PENDING)
		{
			reached = sender.tail.seq > acked;
			break;
		}
		if (sender.tail.seq + item.span > acked + 1)
			break;
		pgturret_ring_advance(&sender.tail, &item);
	}
	if (sender.tail.count != before)
	{
		pgturret_ring_commit(pgturret_ring, &sender.tail);
		sender.progress = true;
	}
	return reached;
}

/* Frames of the output buffer that went out whole: how many, and how far. */
static uint64
whole_frames_sent(uint64 *last_seq)
{
	size_t		at = 0;
	uint64		records = 0;
	uint64		seq = sender.out_seq;

	while (at + PGTURRET_FRAME_HEADER <= sender.out_sent)
	{
		uint32		length;
		uint64		count;

		memcpy(&length, sender.out + at + 1, 4);
		length = pg_ntoh32(length) + 1;
		if (at + length > sender.out_sent)
			break;
		if (sender.out[at] == 'L')
		{
			records++;
			seq++;
		}
		else if (sender.out[at] == 'D')
		{
			memcpy(&count, sender.out + at + PGTURRET_FRAME_HEADER + 8, 8);
			seq += pg_ntoh64(count);
		}
		at += length;
	}
	*last_seq = seq - 1;
	return records;
}

/* Protocol 1 knows no acknowledgement: written is all that can be had. */
static void
release_written(void)
{
	PgturretItem item;
	PgturretRecord record;
	uint64		last_seq;
	uint64		records = whole_frames_sent(&last_seq);

	if (records > 0)
		sender.progress = true;
	while (sender.tail.count < sender.fill.count)
	{
		look(&sender.tail, &item, &record);
		if (item.kind == PGTURRET_ITEM_RECORD && records-- == 0)
			break;
		pgturret_ring_advance(&sender.tail, &item);
	}
	pgturret_ring_commit(pgturret_ring, &sender.tail);
}

/* Records that went to the listener at least once. */
static void
note_delivered(void)
{
	uint64		sum = 0;
	int			i;

	for (i = 0; i < PGTURRET_CLASSES; i++)
		sum += sender.fill.acked[i];
	if (sum > pgturret_load(&pgturret_ring->header->delivered))
		pgturret_store(&pgturret_ring->header->delivered, sum);
}

/* The next attempt comes later than the last one did. */
static void
schedule_retry(void)
{
	int64		half = sender.retry_delay / 2;

	sender.jitter = sender.jitter * UINT64CONST(6364136223846793005) + 1;
	sender.retry_at = now_micros() + half +
		(int64) ((sender.jitter >> 33) % (uint64) (half + 1));
	sender.retry_delay = Min(sender.retry_delay * 2, RETRY_LAST);
}

/* Give the connection up.  The reason is shown to pg_monitor. */
static void
sender_disconnect(const char *reason)
{
	if (sender.phase == SENDER_STREAM && sender.protocol < 2)
		release_written();
	close(sender.sock);
	sender.sock = -1;
	sender.phase = SENDER_DOWN;
	sender.out_length = sender.out_sent = 0;
	sender.in_length = 0;
	sender.fill = sender.tail;
	pgturret_store(&pgturret_ring->header->connected, 0);

	/* One that took records off us deserves a quick second try. */
	if (sender.progress)
		sender.retry_delay = RETRY_FIRST;
	sender.progress = false;
	schedule_retry();

	if (reason != NULL)
		pgturret_ring_set_error(pgturret_ring, reason);
	if (sender.reported_up)
	{
		sender.reported_up = false;
		sender.reported_down = true;
		if (reason != NULL)
			ereport(LOG,
					(errmsg("lost connection to log listener at \"%s\"",
							pgturret_socket),
					 errdetail_internal("%s", reason)));
	}
}

/* The connection is good: the listener took our greeting. */
static void
sender_established(void)
{
	PgturretHeader *header = pgturret_ring->header;

	sender.phase = SENDER_STREAM;
	sender.fill = sender.tail;
	pgturret_store(&header->connected_since, (uint64) now_micros());
	pgturret_store(&header->connects, pgturret_load(&header->connects) + 1);
	pgturret_store(&header->protocol, (uint64) sender.protocol);
	pgturret_store(&header->connected, 1);
	if (!sender.reported_up)
	{
		sender.reported_up = true;
		sender.reported_down = false;
		ereport(LOG,
				(errmsg("connected to log listener at \"%s\"",
						pgturret_socket)));
	}
}

/* What the listener shows for this instance. */
static void
instance_identity(char *buffer, size_t size)
{
	char		host[256];

	if (pgturret_identity != NULL && pgturret_identity[0] != '\0')
		strlcpy(buffer, pgturret_identity, size);
	else if (cluster_name != NULL && cluster_name[0] != '\0')
		strlcpy(buffer, cluster_name, size);
	else
	{
		if (gethostname(host, sizeof(host)) != 0)
			strlcpy(host, "localhost", sizeof(host));
		host[sizeof(host) - 1] = '\0';
		snprintf(buffer, size, "%s:%d", host, PostPortNumber);
	}
}

/* Try to reach the listener, and greet it. */
static void
sender_connect(void)
{
	struct sockaddr_un address;
	char		text[1024];
	const char *server_version;
	int			flags;
	int			size = OUT_TARGET;
	int			sock;

	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	strlcpy(address.sun_path, pgturret_socket, sizeof(address.sun_path));

	sock = socket(AF_UNIX, SOCK_STREAM, 0);

	/* A batch at a time, as far as the system allows: it may say no. */
	if (sock >= 0)
		(void) setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (sock >= 0 &&
		(fcntl(sock, F_SETFD, FD_CLOEXEC) != 0 ||
		 (flags = fcntl(sock, F_GETFL)) < 0 ||
		 fcntl(sock, F_SETFL, flags | O_NONBLOCK) != 0 ||
		 connect(sock, (struct sockaddr *) &address, sizeof(address)) != 0))
	{
		int			saved_errno = errno;

		close(sock);
		sock = -1;
		errno = saved_errno;
	}
	if (sock < 0)
	{
		int			saved_errno = errno;

		snprintf(text, sizeof(text), "could not connect: %s",
				 strerror(saved_errno));
		pgturret_ring_set_error(pgturret_ring, text);
		schedule_retry();
		if (!sender.reported_down)
		{
			sender.reported_down = true;
			errno = saved_errno;
			ereport(WARNING,
					(errcode_for_socket_access(),
					 errmsg("could not connect to log listener at \"%s\": %m",
							pgturret_socket),
					 errdetail("Log records are kept in the ring until it answers.")));
		}
		return;
	}

	sender.sock = sock;
	sender.protocol = pgturret_protocol_version;
	sender.phase = SENDER_ANSWER;
	sender.opened = sender.wrote = now_micros();
	sender.out_length = sender.out_sent = 0;
	sender.in_length = 0;
	sender.resume = 0;
	sender.out_seq = sender.tail.seq;

	server_version = GetConfigOption("server_version", false, false);
	snprintf(text, sizeof(text), "PG-%s/logfebe-%d", server_version,
			 sender.protocol);
	sender.out_length += pgturret_put_text_frame(sender.out, 'V', text);
	instance_identity(text, sizeof(text));
	sender.out_length +=
		pgturret_put_text_frame(sender.out + sender.out_length, 'I', text);
	if (sender.protocol >= 2)
		sender.out_length +=
			pgturret_put_resume(sender.out + sender.out_length,
								(int64) pgturret_load(&pgturret_ring->header->boot_id),
								(int64) sender.tail.seq);
	else
		sender_established();
}

/* One A frame.  False if the connection was given up. */
static bool
take_acknowledgement(const unsigned char *payload)
{
	uint64		wire;
	int64		boot_id;
	int64		seq;
	uint64		last_sent;
	bool		ours;

	memcpy(&wire, payload, 8);
	boot_id = (int64) pg_ntoh64(wire);
	memcpy(&wire, payload + 8, 8);
	seq = (int64) pg_ntoh64(wire);
	ours = (uint64) boot_id == pgturret_load(&pgturret_ring->header->boot_id);

	if (sender.phase == SENDER_ANSWER)
	{
		/* Another ring's boot id says nothing about this one. */
		if (!ours || seq < 0)
			seq = 0;
		if (!release_up_to((uint64) seq))
		{
			/*
			 * The listener has more than we ever numbered: the ring's file is
			 * older than what was sent from it.  Under the same boot id our
			 * next records would be taken for duplicates.
			 */
			pgturret_store(&pgturret_ring->header->boot_id,
						   (uint64) pgturret_new_boot_id());
			sender_disconnect("the listener is ahead of the ring");
			ereport(WARNING,
					(errmsg("log listener has records that the ring does not know, starting a new numbering")));
			return false;
		}
		sender.resume = (uint64) seq + 1;
		sender_established();
		return true;
	}

	whole_frames_sent(&last_sent);
	if (sender.out_length == 0)
		last_sent = Max(sender.fill.seq, sender.resume) - 1;
	if (!ours || seq > (int64) last_sent)
	{
		sender_disconnect("protocol error: acknowledgement of records that were not sent");
		return false;
	}
	if (seq > 0)
		release_up_to((uint64) seq);
	return true;
}

/* Read what the listener says.  True if it said anything. */
static bool
receive_input(void)
{
	bool		any = false;

	while (sender.phase != SENDER_DOWN)
	{
		ssize_t		n;
		size_t		at = 0;

		n = recv(sender.sock, sender.in + sender.in_length,
				 sizeof(sender.in) - sender.in_length, MSG_DONTWAIT);
		if (n < 0)
		{
			char		text[128];

			if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
				break;
			snprintf(text, sizeof(text), "could not receive: %s",
					 strerror(errno));
			sender_disconnect(text);
			break;
		}
		if (n == 0)
		{
			sender_disconnect("the listener closed the connection");
			break;
		}
		any = true;

		/* A protocol 1 receiver has nothing to say that we would heed. */
		if (sender.protocol < 2)
			continue;

		sender.in_length += n;
		while (sender.in_length - at >= PGTURRET_FRAME_HEADER)
		{
			uint32		length;

			memcpy(&length, sender.in + at + 1, 4);
			if (sender.in[at] != 'A' || pg_ntoh32(length) != 4 + ACK_PAYLOAD)
			{
				sender_disconnect("protocol error: unexpected frame");
				return true;
			}
			if (sender.in_length - at < PGTURRET_FRAME_HEADER + ACK_PAYLOAD)
				break;
			if (!take_acknowledgement(sender.in + at + PGTURRET_FRAME_HEADER))
				return true;
			at += PGTURRET_FRAME_HEADER + ACK_PAYLOAD;
		}
		sender.in_length -= at;
		memmove(sender.in, sender.in + at, sender.in_length);
	}
	return any;
}

/* Write what the socket takes.  True if it took anything. */
static bool
send_output(void)
{
	bool		any = false;

	while (sender.phase != SENDER_DOWN && sender.out_sent < sender.out_length)
	{
		ssize_t		n = send(sender.sock, sender.out + sender.out_sent,
							 sender.out_length - sender.out_sent,
							 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0)
		{
			char		text[128];

			if (errno == EINTR)
				continue;
			if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
				break;
			snprintf(text, sizeof(text), "could not send: %s",
					 strerror(errno));
			sender_disconnect(text);
			break;
		}
		sender.out_sent += n;
		sender.wrote = now_micros();
		any = true;
	}

	if (sender.phase != SENDER_DOWN && sender.out_length > 0 &&
		sender.out_sent == sender.out_length)
	{
		if (sender.phase == SENDER_STREAM)
		{
			note_delivered();
			if (sender.protocol < 2)
				release_written();
		}
		sender.out_length = sender.out_sent = 0;
	}
	return any;
}

/* Settings may have changed. */
static void
reload_settings(void)
{
	char	   *socket_before = pstrdup(pgturret_socket);
	char	   *identity_before = pstrdup(pgturret_identity);
	int			protocol_before = pgturret_protocol_version;

	ProcessConfigFile(PGC_SIGHUP);
	if (strcmp(socket_before, pgturret_socket) != 0 ||
		strcmp(identity_before, pgturret_identity) != 0 ||
		protocol_before != pgturret_protocol_version)
	{
		if (sender.phase != SENDER_DOWN)
			sender_disconnect(NULL);
		sender.reported_down = false;
		sender.retry_delay = RETRY_FIRST;
		sender.retry_at = 0;
	}
	pfree(socket_before);
	pfree(identity_before);
}

/* Sleep on the latch, and on the socket if there is one to watch. */
static void
wait_for(int64 micros, bool readable, bool writable)
{
	int			events = WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH;
	long		timeout = (long) (Max(micros, MILLISECONDS) / MILLISECONDS);

	if (sender.phase == SENDER_DOWN || !(readable || writable))
		WaitLatch(MyLatch, events, timeout, pgturret_wait_event());
	else
		WaitLatchOrSocket(MyLatch,
						  events |
						  (readable ? WL_SOCKET_READABLE : 0) |
						  (writable ? WL_SOCKET_WRITEABLE : 0),
						  sender.sock, timeout, pgturret_wait_event());
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/*
 * Nothing to do: ask to be woken, unless something came in just now.  The
 * flag goes up before the look, and writers publish before they look at the
 * flag, so one of the two sees the other.
 */
static void
sleep_until_woken(int64 micros)
{
	uint64_t   *sleeping = &pgturret_ring->header->sleeping;

	__atomic_store_n(sleeping, 1, __ATOMIC_SEQ_CST);
	if (!more_to_send())
		wait_for(micros, true, sender.out_sent < sender.out_length);
	__atomic_store_n(sleeping, 0, __ATOMIC_SEQ_CST);
}

/*
 * How long to rest behind a batch.  What a batch costs beside its records is
 * shared by twice as many when it comes half as often; but a small ring may
 * not have the room to wait for that.
 */
static int64
nap_after(size_t batch)
{
	if (batch < BUSY_BATCH ||
		batch > pgturret_ring->header->data_size / LONG_NAP_SHARE)
		return NAP;
	return LONG_NAP;
}

/* One turn with a connection.  True if it should go on at once. */
static bool
stream_turn(bool *idle)
{
	int64		now;
	size_t		batch = 0;
	bool		any;

	any = receive_input();
	if (sender.phase == SENDER_STREAM)
	{
		pgturret_ring_mark_drops(pgturret_ring, MyProcPid);
		if (sender.out_length == 0)
		{
			fill_output();
			batch = sender.out_length;
			sender.nap = nap_after(batch);
		}
		now = now_micros();
		if (sender.out_length == 0 && sender.protocol >= 2 &&
			now - sender.wrote >= HEARTBEAT)
		{
			static const unsigned char alive[PGTURRET_FRAME_HEADER] =
			{'H', 0, 0, 0, 4};

			memcpy(sender.out, alive, sizeof(alive));
			sender.out_length = sizeof(alive);
		}
	}
	if (send_output())
		any = true;
	if (sender.phase == SENDER_ANSWER &&
		now_micros() - sender.opened >= ANSWER_TIMEOUT)
		sender_disconnect("the listener did not answer");

	*idle = !any;
	/* A full buffer has left something in the ring. */
	return batch >= OUT_TARGET && sender.out_length == 0;
}

/* Is everything that the ring holds with the listener, and acknowledged? */
static bool
drained(void)
{
	return sender.phase == SENDER_STREAM && sender.out_length == 0 &&
		sender.tail.count == sender.fill.count && !more_to_send();
}

/* The worker. */
void
pgturret_sender_main(Datum main_arg)
{
	int64		drain_until = 0;
	int64		quiet_since = 0;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGUSR1, sender_wakeup);
	BackgroundWorkerUnblockSignals();

	sender.sock = -1;
	sender.phase = SENDER_DOWN;
	sender.retry_delay = RETRY_FIRST;
	sender.nap = NAP;
	sender.jitter = (uint64) now_micros() ^ (uint64) MyProcPid << 32;
	sender.out_size = OUT_TARGET + OUT_SLACK;
	sender.out = MemoryContextAllocHuge(TopMemoryContext, sender.out_size);
	pgturret_ring_tail(pgturret_ring, &sender.tail);
	sender.fill = sender.tail;

	/* The predecessor may have died between its two stores of a commit. */
	pgturret_ring_commit(pgturret_ring, &sender.tail);

	before_shmem_exit(sender_exit, (Datum) 0);
	pgturret_store(&pgturret_ring->header->connected, 0);
	pgturret_store(&pgturret_ring->header->sleeping, 0);
	pgturret_store(&pgturret_ring->header->worker_pid, (uint64) MyProcPid);

	for (;;)
	{
		int64		now = now_micros();
		bool		idle = true;

		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			reload_settings();
		}

		if (ShutdownRequestPending)
		{
			if (drain_until == 0)
			{
				drain_until = now + DRAIN_TIMEOUT;
				sender.retry_at = now;
			}
			else if (sender.phase == SENDER_DOWN)
				break;
			if (now >= drain_until)
				break;

			/* Sessions that end now have a line or two to say. */
			if (!drained())
				quiet_since = now;
			else if (now - quiet_since >= DRAIN_QUIET)
				break;
		}

		if (sender.phase == SENDER_DOWN && now >= sender.retry_at)
			sender_connect();
		if (sender.phase == SENDER_DOWN)
		{
			if (drain_until == 0)
				wait_for(Min(Max(sender.retry_at - now, MILLISECONDS),
							 RETRY_LAST), false, false);
			continue;
		}

		if (stream_turn(&idle))
		{
			CHECK_FOR_INTERRUPTS();
			continue;
		}
		if (sender.phase == SENDER_DOWN)
			continue;

		if (sender.phase == SENDER_ANSWER)
			wait_for(100 * MILLISECONDS, true, sender.out_length > 0);
		else if (sender.out_length > 0)
			wait_for(SECONDS, true, true);
		else if (!idle || drain_until != 0 || more_to_send())
			wait_for(sender.nap, false, false);
		else
		{
			PgturretItem item;

			pgturret_ring_peek(pgturret_ring, &sender.fill, &item);
			sleep_until_woken(item.kind == PGTURRET_ITEM_PENDING ?
							  WRITER_CHECK : SECONDS);
		}
	}

	/* 1 rather than 0: who ends only the worker gets it back in a second. */
	proc_exit(1);
}

/* Have the postmaster run the worker, from before recovery to the end. */
void
pgturret_register_sender(void)
{
	BackgroundWorker worker;
	Dl_info		self;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
	worker.bgw_start_time = BgWorkerStart_PostmasterStart;
	worker.bgw_restart_time = 1;
	strlcpy(worker.bgw_name, "pgturret sender", sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, "pgturret sender", sizeof(worker.bgw_type));

	/* The file that is loaded, which need not be in $libdir. */
	if (dladdr((void *) pgturret_sender_main, &self) != 0 &&
		self.dli_fname != NULL && self.dli_fname[0] == '/' &&
		strlen(self.dli_fname) < sizeof(worker.bgw_library_name))
		strlcpy(worker.bgw_library_name, self.dli_fname,
				sizeof(worker.bgw_library_name));
	else
		strlcpy(worker.bgw_library_name, "pgturret",
				sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "pgturret_sender_main",
			sizeof(worker.bgw_function_name));
	RegisterBackgroundWorker(&worker);
}
