/* Contract in retrieve.h. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "pop3-session/command.h"
#include "pop3-session/retrieve.h"
#include "pop3-session/size.h"
#include "pop3-session/wire.h"

#define PIECE	65536

static char	 retrieve_in[PIECE];
static char	 retrieve_out[WIRE_ROOM(PIECE)];

static ssize_t
retrieve_read(int fd)
{
	ssize_t	 n;

	do
		n = read(fd, retrieve_in, sizeof(retrieve_in));
	while (n == -1 && errno == EINTR);
	return n;
}

static void
retrieve_refuse(struct session *s, size_t i)
{
	if (errno == ENOENT) {
		stream_printf(&s->s, "-ERR Message %zu is gone, another "
		    "program removed it\r\n", i + 1);
		return;
	}
	log_warn("event=pop3-read-failed user=%s name=%s",
	    log_esc(s->who->user), log_esc(s->mb.list.entry[i].name));
	command_answer(s, errno == EACCES ?
	    "-ERR [SYS/PERM] The message may not be read" :
	    "-ERR [SYS/TEMP] The message cannot be read now");
}

/* A message in one piece, as most are, is counted before its size is told. */
static void
retrieve_count(struct session *s, size_t i, off_t size, ssize_t got)
{
	struct wire_size	 w;

	if (got != size) {
		size_look(&s->mb, i, (uint64_t)size);
		return;
	}
	wire_size_init(&w);
	wire_size_add(&w, retrieve_in, (size_t)got);
	size_is(&s->mb, i, (uint64_t)size, wire_size_end(&w));
}

/*
 * The rest of fd after the got octets of its first piece.  False when it ended
 * in a read error: the client must not take a part for the whole, and POP3
 * has no way to say so but to end.
 */
static bool
retrieve_send(struct session *s, size_t i, int fd, off_t size, ssize_t got,
    uint64_t lines)
{
	struct wire	 w;
	off_t		 done = 0;
	uint64_t	 sent = 0;
	size_t		 n;

	wire_init(&w, lines);
	while (got > 0 && !s->s.dead) {
		n = wire_put(&w, retrieve_in, (size_t)got, retrieve_out);
		stream_put(&s->s, retrieve_out, n);
		s->octets += n;
		sent += n;
		done += got;
		/* The size spares a read(2) that would only say: the end. */
		if (w.done || done >= size)
			break;
		got = retrieve_read(fd);
	}
	if (got == -1)
		return false;
	n = wire_end(&w, retrieve_out);
	stream_put(&s->s, retrieve_out, n);
	if (s->s.dead)
		return false;
	if (lines == WIRE_ALL)		/* without the dots, and the end's line */
		size_is(&s->mb, i, (uint64_t)done, sent + n - w.dots - 3);
	return true;
}

/* False when an answer was queued that is not the message. */
static bool
retrieve(struct session *s, size_t i, uint64_t lines)
{
	ssize_t	 got;
	off_t	 size;
	bool	 whole;
	int	 fd;

	if ((fd = mailbox_message(&s->mb, i, &size)) == -1) {
		retrieve_refuse(s, i);
		return false;
	}
	if ((got = retrieve_read(fd)) == -1) {
		retrieve_refuse(s, i);
		io_close(fd);
		return false;
	}
	if (lines == WIRE_ALL)
		retrieve_count(s, i, size, got);
	if (lines == WIRE_ALL && s->mb.list.entry[i].wire != UINT64_MAX)
		stream_printf(&s->s, "+OK %" PRIu64 " octets\r\n",
		    s->mb.list.entry[i].wire);
	else
		command_answer(s, "+OK Message follows");
	whole = retrieve_send(s, i, fd, size, got, lines);
	if (!whole && !s->s.dead) {
		log_warn("event=pop3-read-failed user=%s name=%s",
		    log_esc(s->who->user),
		    log_esc(s->mb.list.entry[i].name));
		s->end = SESSION_DROPPED;
	}
	io_close(fd);
	return whole;
}

void
retrieve_whole(struct session *s, size_t i)
{
	size_of(&s->mb, i);
	if (!retrieve(s, i, WIRE_ALL))
		return;
	s->mb.mark[i] |= MAILBOX_RETRIEVED;
	s->retrieved++;
}

void
retrieve_top(struct session *s, size_t i, uint32_t lines)
{
	retrieve(s, i, lines);
}
