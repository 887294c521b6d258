/* Contract in tls_pump.h. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/heap.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/net/tls_pump.h"

#define RECORD		16384	/* the most that one has (RFC 8446 5.1) */
#define BURST		32	/* steps one way before the other's turn */

enum pump_step {
	PUMP_MOVED,
	PUMP_WAIT,		/* events say for what */
	PUMP_OVER,		/* all of this way is passed on */
	PUMP_FAILED		/* nobody takes what there is */
};

struct pump_way {
	char	*data;		/* NULL while idle */
	size_t	 size, pos, len;
	bool	 ended;		/* nothing more comes */
};

struct pump {
	struct stream	*s;		/* the client */
	int		 fd;		/* the session */
	struct pump_way	 up, down;	/* to the session, to the client */
	bool		 told;		/* the session, that no more comes */
	short		 client, session;	/* events to wait for */
	int64_t		 taken;		/* when the client last took some */
};

static void
way_need(struct pump_way *w, size_t size)
{
	if (w->data != NULL)
		return;
	w->data = xmalloc(size);
	w->size = size;
}

static bool
way_holds(const struct pump_way *w)
{
	return w->pos < w->len;
}

static void
way_rest(struct pump_way *w)
{
	free(w->data);
	w->data = NULL;
	w->pos = w->len = 0;
}

static bool
pump_again(int error)
{
	return error == EAGAIN || error == EINTR;
}

/* No more for the session: it finishes what it does and says its last words. */
static enum pump_step
pump_up_over(struct pump *p)
{
	if (!p->told)
		shutdown(p->fd, SHUT_WR);
	p->told = true;
	return PUMP_OVER;
}

static enum pump_step
pump_up_write(struct pump *p)
{
	struct pump_way	*w = &p->up;
	ssize_t		 n;

	n = send(p->fd, w->data + w->pos, w->len - w->pos, MSG_DONTWAIT |
	    MSG_NOSIGNAL);
	if (n > 0) {
		w->pos += (size_t)n;
		return PUMP_MOVED;
	}
	if (n == -1 && pump_again(errno)) {
		p->session |= POLLOUT;
		return PUMP_WAIT;
	}
	/* It listens no more, but may have something to say. */
	w->pos = w->len;
	w->ended = true;
	return PUMP_MOVED;
}

static enum pump_step
pump_up_read(struct pump *p)
{
	struct pump_way	*w = &p->up;
	ssize_t		 n;

	way_need(w, RECORD);
	p->s->wants = 0;
	n = p->s->read(p->s, w->data, w->size);
	if (n > 0) {
		w->pos = 0;
		w->len = (size_t)n;
		return PUMP_MOVED;
	}
	if (n == -1 && pump_again(errno)) {
		/* It was the transport's own business, and there is more. */
		if (p->s->pending != NULL && p->s->pending(p->s))
			return PUMP_MOVED;
		p->client |= p->s->wants != 0 ? p->s->wants : POLLIN;
		return PUMP_WAIT;
	}
	w->ended = true;
	return PUMP_MOVED;
}

static enum pump_step
pump_up(struct pump *p)
{
	if (way_holds(&p->up))
		return pump_up_write(p);
	return p->up.ended ? pump_up_over(p) : pump_up_read(p);
}

static enum pump_step
pump_down_write(struct pump *p)
{
	struct pump_way	*w = &p->down;
	ssize_t		 n;

	p->s->wants = 0;
	n = p->s->write(p->s, w->data + w->pos, w->len - w->pos);
	if (n > 0) {
		w->pos += (size_t)n;
		p->taken = 0;
		return PUMP_MOVED;
	}
	if (n == 0 || !pump_again(errno))
		return PUMP_FAILED;
	if (p->taken == 0)
		p->taken = io_monotonic_ms();
	p->client |= p->s->wants != 0 ? p->s->wants : POLLOUT;
	return PUMP_WAIT;
}

static enum pump_step
pump_down_read(struct pump *p)
{
	struct pump_way	*w = &p->down;
	ssize_t		 n;

	way_need(w, RECORD);
	n = recv(p->fd, w->data, w->size, MSG_DONTWAIT);
	if (n > 0) {
		w->pos = 0;
		w->len = (size_t)n;
		return PUMP_MOVED;
	}
	if (n == -1 && pump_again(errno)) {
		p->session |= POLLIN;
		return PUMP_WAIT;
	}
	w->ended = true;
	return PUMP_OVER;
}

static enum pump_step
pump_down(struct pump *p)
{
	if (way_holds(&p->down))
		return pump_down_write(p);
	return p->down.ended ? PUMP_OVER : pump_down_read(p);
}

/* As long as it goes on without waiting, but not for too long. */
static enum pump_step
pump_burst(struct pump *p, enum pump_step (*step)(struct pump *))
{
	enum pump_step	 st = PUMP_MOVED;
	unsigned int	 i;

	for (i = 0; i < BURST && st == PUMP_MOVED; i++)
		st = step(p);
	return st;
}

/* Milliseconds for poll(2), -1 for ever. */
static int
pump_patience(const struct pump *p, int stall_ms)
{
	int64_t	 left;

	if (way_holds(&p->down)) {
		left = p->taken + stall_ms - io_monotonic_ms();
		return left > 0 ? (int)left : 0;
	}
	return way_holds(&p->up) ? -1 : HEAP_REST_MS;
}

static void
pump_rest(struct pump *p)
{
	way_rest(&p->up);
	way_rest(&p->down);
	heap_rest();
}

/* False: the client took nothing for too long. */
static bool
pump_wait(struct pump *p, int stall_ms)
{
	/* What is not asked for must not wake us either: its end does. */
	struct pollfd	 pfd[3] = {
		{ .fd = p->client != 0 ? p->s->rfd : -1, .events = p->client },
		{ .fd = p->session != 0 ? p->fd : -1, .events = p->session },
		{ .fd = p->up.ended ? -1 : stream_stop_descriptor(),
		    .events = POLLIN }
	};

	if (poll(pfd, 3, pump_patience(p, stall_ms)) != 0)
		return true;
	if (way_holds(&p->down))
		return pump_patience(p, stall_ms) > 0;
	/* A look for what is not there yet would take the memory again. */
	pump_rest(p);
	(void)poll(pfd, 3, -1);
	return true;
}

static enum tls_pump_end
pump_run(struct pump *p, int stall_ms)
{
	enum pump_step	 up, down;

	for (;;) {
		if (stream_stopping())
			p->up.ended = true;
		p->client = p->session = 0;
		up = pump_burst(p, pump_up);
		down = pump_burst(p, pump_down);
		if (down == PUMP_OVER)
			return TLS_PUMP_DONE;
		if (down == PUMP_FAILED)
			return TLS_PUMP_LOST;
		if (up != PUMP_MOVED && down != PUMP_MOVED &&
		    !pump_wait(p, stall_ms))
			return TLS_PUMP_TIMEOUT;
	}
}

enum tls_pump_end
tls_pump(struct stream *s, int fd, int stall_ms)
{
	struct pump		 p = { .s = s, .fd = fd };
	struct slice		 ahead = stream_pending(s);
	enum tls_pump_end	 end;

	if (ahead.len > 0) {
		way_need(&p.up, ahead.len > RECORD ? ahead.len : RECORD);
		memcpy(p.up.data, ahead.ptr, ahead.len);
		p.up.len = ahead.len;
		stream_consume(s, ahead.len);
	}
	stream_wipe(s);
	stream_rest(s);
	end = pump_run(&p, stall_ms);
	way_rest(&p.up);
	way_rest(&p.down);
	return end;
}
