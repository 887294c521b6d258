/* IDLE (RFC 9051 6.3.13, RFC 2177). */
#include "imap-session/command.h"
#include "imap-session/notify.h"
#include "imap-session/park.h"
#include "lib/base/heap.h"
#include "lib/base/io.h"

/*
 * A client says DONE before 29 minutes are over (RFC 2177 3), which is what a
 * session's idle time-out leaves it time for.  Meanwhile a word now and then keeps
 * address translators between us from forgetting the connection, and finds out
 * who is gone.
 */
#define STILL_MS	(4 * 60 * 1000)

struct idle {
	struct park_idle p;		/* its watch: own, or NOTIFY's */
	struct watch	*own;
	int64_t		 rest;		/* when to give back, 0: done */
};

/* Who waits for more than the selected mailbox has a watch already. */
static void
idle_watch(struct session *s, struct idle *i)
{
	i->p.w = s->notify != NULL && s->notify->w.dir != NULL ?
	    &s->notify->w : i->own;
}

/* Tell what is new.  False: the mailbox is gone. */
static bool
idle_news(struct session *s, struct idle *i)
{
	uint64_t	 before = s->view.modseq;

	if (!session_news(s, false))
		return false;
	idle_watch(s, i);
	if (s->view.modseq != before) {
		watch_again(i->p.w);
		session_stirs(s);
	}
	i->rest = io_monotonic_ms() + HEAP_REST_MS;
	return true;
}

static void
idle_time(struct session *s, struct idle *i)
{
	int64_t	 now = io_monotonic_ms();

	if (now >= session_over(s))
		session_silent(s);
	else if (now >= i->p.still) {
		stream_printf(&s->s, "* OK Still here\r\n");
		i->p.still = now + STILL_MS;
	} else if (i->rest != 0 && now >= i->rest) {
		s->view.closely = true;
		idle_news(s, i);
		session_rest(s);
		i->rest = 0;
	} else if (i->rest == 0 && now >= park_time(s, &i->p))
		park_session(s, &i->p);
}

static int64_t
idle_until(const struct session *s, const struct idle *i)
{
	int64_t	 until = session_over(s), next = i->rest;

	if (next == 0)
		next = park_time(s, &i->p);
	if (i->p.still < until)
		until = i->p.still;
	return next < until ? next : until;
}

/* DONE, or an end that lex.status tells. */
static enum command_end
idle_done(struct session *s)
{
	struct slice	 line;

	s->lex.status = stream_line(&s->s, 64, &line);
	switch (s->lex.status) {
	case STREAM_OK:
		if (slice_is(line, "DONE"))
			return COMMAND_OK;
		return command_answer(s, COMMAND_BAD, "DONE was expected");
	case STREAM_TOOLONG:
	case STREAM_BARE:
		s->lex.status = STREAM_OK;
		return command_answer(s, COMMAND_BAD, "DONE was expected");
	case STREAM_EOF:
	case STREAM_TIMEOUT:
	case STREAM_ERROR:
	case STREAM_STOP:
		break;
	}
	return COMMAND_SENT;
}

static enum command_end
idle_wait(struct session *s, struct idle *i)
{
	while (s->end == SESSION_GOES_ON) {
		if (stream_flush(&s->s) != STREAM_OK) {
			s->end = SESSION_DROPPED;
			break;
		}
		switch (watch_wait(i->p.w, &s->s, idle_until(s, i))) {
		case WATCH_CLIENT:
		case WATCH_STOP:
			return idle_done(s);
		case WATCH_NEWS:
			idle_news(s, i);
			break;
		case WATCH_TIME:
			idle_time(s, i);
			break;
		}
	}
	return COMMAND_SENT;
}

enum command_end
cmd_idle(struct session *s, bool uid)
{
	struct watch		 own;
	struct idle		 i = { .own = &own };
	enum command_end	 end = COMMAND_SENT;

	(void)uid;
	if (!imap_lex_end(&s->lex))
		return COMMAND_LEX;
	i.p.still = s->silent + STILL_MS;
	watch_init(&own);
	/* First listen, then look: nothing falls in between. */
	if (s->view.folder != NULL)
		watch_open(&own, &s->account, folder_dir(s->view.folder));
	idle_watch(s, &i);
	stream_printf(&s->s, "+ Waiting for news, or DONE\r\n");
	session_stirs(s);
	if (idle_news(s, &i))
		end = idle_wait(s, &i);
	watch_close(&own, &s->account);
	return end;
}

/* It never stopped to listen; what came meanwhile is seen at once. */
enum command_end
idle_again(struct session *s, struct park_idle *p)
{
	struct idle	 i = { .p = *p, .own = p->w };

	i.rest = io_monotonic_ms() + HEAP_REST_MS;
	return idle_wait(s, &i);
}
