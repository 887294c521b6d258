/*
 * The spool directory: making ids, writing messages durably, names.  Layout
 * and promises in doc/queue.md.  smtpd writes through tmp/ into new/;
 * queue-runner writes its own bounces straight into queue/XX/.
 */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/store/envelope.h"

#define SPOOL_MEMORY	(256 * 1024)	/* kept before the file is begun */

struct spool {
	char	*path;
	int	 dirfd;			/* of the spool itself */
	int	 tmpfd, newfd;		/* directories */
	int	 trigger;		/* FIFO, write side, or -1 */
};

/*
 * Open the directories (made by spool_make()).  0, or -1 with errno.  The
 * trigger is opened when there is a reader, and again by spool_ring().
 * Clears the group's read bit in the umask: message files are 0440, their
 * group the directory's.  So call it after privilege_harden().
 */
int	 spool_open(struct spool *, const char *path);
void	 spool_close(struct spool *);
/*
 * Create what is missing of the layout: tmp new queue/XX hold trigger.  Owners
 * and modes are for mailctl(8) and the installer; here the caller's.  0 or -1.
 */
int	 spool_make(const char *path);
/*
 * Remove what is in tmp/, or empty in new/, and was not written to for so many
 * seconds: the leavings of killed writers.  path is the spool's.  The number
 * removed, or -1 with errno.
 */
int	 spool_sweep(const char *path, int64_t seconds);

/*
 * A new id: Crockford base 32, lower case, 7 characters of seconds and 13
 * random ones (65 bits).  XX of queue/XX is its last two characters.
 */
void	 spool_id_new(char id[SPOOL_ID_LEN + 1], int64_t arrived_us);
/* A derived id: seconds of the other, the 13 from SHA-256(id, batch, kind). */
void	 spool_id_derive(char out[SPOOL_ID_LEN + 1], const char *id,
	    unsigned int batch, const char *kind);
/* What both are made of: the low 65 bits of random. */
void	 spool_id_from(char id[SPOOL_ID_LEN + 1], int64_t seconds,
	    const unsigned char random[9]);
bool	 spool_id_valid(const char *);
/* Seconds since 1970 of an id. */
int64_t	 spool_id_time(const char *id);
/* "queue/XX/ID" */
void	 spool_queue_name(const char *id, char out[64]);

/* A message being received. */
struct spool_writer;

/*
 * Begin a message.  Up to SPOOL_MEMORY octets stay in memory; then tmp/ID is
 * created with room for an envelope in front.
 */
struct spool_writer	*spool_writer_new(struct spool *, const char *id);
/*
 * How much room: envelope_block_for() of the envelope as it is before DATA,
 * with what the head will need.  To be called before the first octet.
 * Without it 16 KiB; too little costs a move of the content at the end.
 */
void	 spool_writer_reserve(struct spool_writer *, uint32_t block);
/*
 * Append content (wire form).  0, or -1 with errno (ENOSPC, EFBIG ...); the
 * error is sticky.
 */
int	 spool_writer_add(struct spool_writer *, const void *data, size_t len);
/* Octets so far. */
uint64_t spool_writer_size(const struct spool_writer *);
/*
 * The first octets of the content, at most SPOOL_MEMORY, for checks on the
 * header section.  Borrowed.
 */
struct slice	 spool_writer_front(const struct spool_writer *);
/*
 * Make it durable: envelope (block, head and size are set here; flags and the
 * rest are the caller's) and the added header lines into the file, which is
 * made as new/ID, or renamed from tmp/ID to it without replacing; file and
 * directory fsynced.  0: it is
 * the queue's.  -1 with errno: it is not, whatever was made is
 * unlinked; *fatal_sync true when an fsync failed: answer 451 and exit.
 * Frees the writer either way.
 */
int	 spool_writer_commit(struct spool_writer *, struct envelope *,
	    struct slice head, bool *fatal_sync);
/* Throw it away.  NULL is fine. */
void	 spool_writer_abort(struct spool_writer *);
/*
 * Ring the bell for id: never blocks, failure does not matter.  The program
 * must ignore SIGPIPE.  0, or -1 with errno.
 */
int	 spool_ring(struct spool *, const char *id);

/*
 * queue-runner's own messages: content in memory, written to
 * queue/XX/.ID, fsynced, renamed, directory fsynced.  0 (also when a whole
 * file of the id is there already), or -1 with errno.
 */
int	 spool_write_queued(struct spool *, const char *id, struct envelope *,
	    struct slice content);

/*
 * Octets free to an ordinary user in the spool's file system, and inodes.
 * 0 or -1.
 */
int	 spool_free(const struct spool *, uint64_t *octets, uint64_t *inodes);

#endif
