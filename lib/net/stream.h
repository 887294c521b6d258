/*
 * A buffered two-way stream with deadlines for straight-line protocol code:
 * one connection, one process, blocking calls.  The transport is behind
 * two functions, so TLS and compression can take its place.
 *
 * Every call that may wait ends by the deadline: min(now + idle, total).
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

enum stream_status {
	STREAM_OK,
	STREAM_EOF,		/* the peer closed */
	STREAM_TIMEOUT,		/* deadline passed */
	STREAM_TOOLONG,		/* no line end within max octets */
	STREAM_BARE,		/* CR or LF outside a CRLF pair in the line */
	STREAM_ERROR,		/* errno is set */
	STREAM_STOP		/* stream_stop() was set while waiting */
};

struct stream {
	int		 rfd, wfd;
	ssize_t		(*read)(struct stream *, void *, size_t);
	ssize_t		(*write)(struct stream *, const void *, size_t);
	/*
	 * For a transport that holds octets back (TLS); NULL: none does.  Is
	 * there something to read without waiting?
	 */
	bool		(*pending)(struct stream *);
	short		 wants;		/* poll(2) events that read or write
					 * needs after EAGAIN, 0: the usual */
	void		*ctx;		/* of read, write, pending: TLS */
	char		*in;		/* STREAM_IN octets */
	size_t		 in_pos, in_len;
	struct buf	 out;
	int		 idle_ms;	/* one wait */
	int64_t		 total;		/* monotonic ms, 0: none */
	bool		 dead;		/* a write failed: all later fail */
	bool		 bare_lf_ok;	/* lines may end in a lone LF */
	bool		 blocks;	/* see stream_block() */
	bool		 may_wait;	/* this read may, once: for a transport
					 * that asks the socket not to */
};

#define STREAM_IN	65536
#define STREAM_OUT	65536	/* flushed by itself when full */

/*
 * rfd and wfd may be the same; they stay the caller's.  idle_ms bounds one
 * wait, total_ms the stream's whole life (0: no bound).
 */
void	 stream_init(struct stream *, int rfd, int wfd, int idle_ms,
	    int64_t total_ms);
void	 stream_free(struct stream *);
/*
 * A long wait is ahead: give back buffers that are empty, until they are needed
 * again.
 */
void	 stream_rest(struct stream *);
/* Overwrite what was consumed: passwords. */
void	 stream_wipe(struct stream *);

/*
 * The next line without its CRLF, at most max octets with it (max <=
 * STREAM_IN).  The slice is borrowed until the next call.  Output is
 * flushed before waiting.  STREAM_TOOLONG and STREAM_BARE: the line's
 * octets are consumed up to and with its LF (bounded by the idle and total
 * deadlines and 1 MiB; then STREAM_ERROR with errno EMSGSIZE).
 */
enum stream_status	 stream_line(struct stream *, size_t max,
			    struct slice *line);
/*
 * Whatever is there, at least an octet, waiting when there is none.  The slice
 * is borrowed; stream_consume() takes what was used from its front.
 */
enum stream_status	 stream_peek(struct stream *, struct slice *data);
/* As stream_peek(), but between commands: STREAM_STOP ends the wait. */
enum stream_status	 stream_begin(struct stream *, struct slice *data);
/*
 * As stream_peek() but insists on more octets than are in the buffer now:
 * for a parser that needs the next ones. */
enum stream_status	 stream_more(struct stream *, struct slice *data);
void	 stream_consume(struct stream *, size_t len);
/* Octets read ahead and not consumed. */
struct slice	 stream_pending(const struct stream *);
/* Something to read within wait_ms?  (Early talkers.) */
bool	 stream_readable(struct stream *, int wait_ms);

/* Queue output.  Sticky failure: look at stream_flush(). */
void	 stream_put(struct stream *, const void *data, size_t len);
void	 stream_printf(struct stream *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* STREAM_OK, TIMEOUT or ERROR. */
enum stream_status	 stream_flush(struct stream *);

void	 stream_set_idle(struct stream *, int idle_ms);
/*
 * rfd is a blocking socket of ours alone, and the peer usually answers soon:
 * wait in the read itself, a system call less.  Sets SO_RCVTIMEO.  Deadlines
 * hold as before; a stop may be noticed STREAM_BLOCK_MS later.
 */
void	 stream_block(struct stream *);
#define STREAM_BLOCK_MS	500
/*
 * From a signal handler: waits between lines (stream_line with nothing
 * buffered) return STREAM_STOP.  Process-wide.
 */
void	 stream_stop(void);
/* Call it when the signal arrives. */
void	 stream_stop_on(int sig);
bool	 stream_stopping(void);
/*
 * Readable once stream_stop() was called in this process, for waits of one's
 * own; -1 when there is no descriptor left.
 */
int	 stream_stop_descriptor(void);
const char	*stream_status_name(enum stream_status);

#endif
