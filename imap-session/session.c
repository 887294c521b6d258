/* Contract in session.h. */
#include <errno.h>
#include <string.h>

#include "imap-session/capability.h"
#include "imap-session/command.h"
#include "imap-session/fetch.h"
#include "imap-session/notify.h"
#include "imap-session/park.h"
#include "imap-session/session.h"
#include "lib/base/heap.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/net/stream_deflate.h"
#include "lib/store/home_wall.h"
#include "lib/store/tree.h"

#define PROGRESS_MS	10000			/* RFC 9585 4 */
#define ANSWER_MAX	(1024 * 1024)	/* COPYUID of many ranges */
#define FLAGS_MAX	65536

static const char *
session_end_name(enum session_end end)
{
	switch (end) {
	case SESSION_GOES_ON:	break;
	case SESSION_LOGOUT:	return "logout";
	case SESSION_DROPPED:	return "dropped";
	case SESSION_TIMEOUT:	return "timeout";
	case SESSION_STOPPED:	return "stopped";
	case SESSION_ERRORS:	return "errors";
	case SESSION_LOST:	return "lost";
	case SESSION_REFUSED:	return "refused";
	case SESSION_PARKED:	return "parked";
	}
	return "?";
}

bool
session_utf8(const struct session *s)
{
	return (s->enabled & (ENABLED_UTF8 | ENABLED_REV2)) != 0;
}

void
session_condstore(struct session *s)
{
	if (s->enabled & ENABLED_CONDSTORE)
		return;
	s->enabled |= ENABLED_CONDSTORE;
	if (s->view.folder != NULL)
		stream_printf(&s->s, "* OK [HIGHESTMODSEQ %llu] From here on "
		    "modification sequences are told\r\n",
		    (unsigned long long)s->view.modseq);
}

void
session_progress(struct session *s, uint32_t done, uint32_t goal)
{
	int64_t	 now = io_monotonic_ms();

	if (now - s->progress < PROGRESS_MS)
		return;
	s->progress = now;
	if (goal == 0)
		stream_printf(&s->s, "* OK [INPROGRESS (\"%s\" %u NIL)] Still "
		    "at it\r\n", s->lex.tag, done);
	else
		stream_printf(&s->s, "* OK [INPROGRESS (\"%s\" %u %u)] Still "
		    "at it\r\n", s->lex.tag, done, goal);
	stream_flush(&s->s);
}

void
session_rest(struct session *s)
{
	if (s->deflate != NULL)
		deflate_rest(s->deflate);
	fetch_forget(s);
	stream_rest(&s->s);
	buf_free(&s->answer);
	buf_free(&s->put.text);
	s->put.valid = false;
	account_rest(&s->account);
	heap_rest();
}

int64_t
session_over(const struct session *s)
{
	int64_t	 over = s->silent + s->s.idle_ms;

	return s->s.total != 0 && s->s.total < over ? s->s.total : over;
}

void
session_silent(struct session *s)
{
	stream_printf(&s->s, "* BYE You were silent for too long\r\n");
	s->end = SESSION_TIMEOUT;
}

void
session_stirs(struct session *s)
{
	s->parks = io_monotonic_ms() +
	    (int64_t)s->conf->imapd.park_after * 1000;
}

/* It is what the command that logged in gets; with -i, the greeting. */
static void
session_refuse(struct session *s, const char *text)
{
	if (s->who->tag[0] != '\0')
		stream_printf(&s->s, "%s NO %s\r\n", s->who->tag, text);
	stream_printf(&s->s, "* BYE %s\r\n", text);
	s->end = SESSION_REFUSED;
}

static void
session_greet(struct session *s)
{
	bool	 login = s->who->tag[0] != '\0';

	stream_printf(&s->s, "%s %s [", login ? s->who->tag : "*",
	    login ? "OK" : "PREAUTH");
	capability_put(s);
	stream_printf(&s->s, "] %s\r\n", login ? "Logged in" :
	    "Merpati at your service");
}

/* A new account's mailboxes; without them it is usable all the same. */
static void
session_defaults(struct session *s)
{
	const struct config_imapd	*c = &s->conf->imapd;
	const struct tree_default	 all[] = {
		{ c->drafts, TREE_DRAFTS }, { c->sent, TREE_SENT },
		{ c->junk, TREE_JUNK }, { c->trash, TREE_TRASH },
		{ c->archive, TREE_ARCHIVE },
	};

	if (tree_make_defaults(&s->account, all,
	    sizeof(all) / sizeof(all[0])) == -1)
		log_warn("event=imap-mailboxes-not-made user=%s",
		    log_esc(s->who->user));
}

bool
session_account(struct session *s)
{
	if (account_open(&s->account, s->who->home, s->conf->hostname) ==
	    -1) {
		log_warn("event=imap-mailbox-failed user=%s home=%s",
		    log_esc(s->who->user), log_esc(s->who->home));
		session_refuse(s, errno == EACCES || errno == EPERM ?
		    "[CONTACTADMIN] The mailbox may not be opened; tell your "
		    "postmaster" : "[UNAVAILABLE] The mailbox cannot be "
		    "opened now, try again later");
		return false;
	}
	s->account.quota_octets = s->who->quota_octets;
	s->account.quota_count = s->who->quota_count;
	return true;
}

static void
session_login(struct session *s)
{
	if (s->conf->mailbox_mbox) {
		session_refuse(s, "[CONTACTADMIN] Mail is kept in one text "
		    "file here, which IMAP does not serve");
		return;
	}
	if (!session_account(s))
		return;
	session_defaults(s);
	session_greet(s);
	session_stirs(s);
}

/* What woke us is read: to close with it unread would reset the connection. */
static void
session_unread(struct session *s)
{
	struct slice	 unread;

	if (stream_readable(&s->s, 0) &&
	    stream_peek(&s->s, &unread) == STREAM_OK)
		stream_consume(&s->s, unread.len);
}

/* In the middle of IDLE, or between commands. */
static void
session_resume(struct session *s, const struct session_parked *parked)
{
	struct watch		 w;
	struct park_idle	 idle = { .w = &w };

	watch_init(&w);
	if (!park_resume(s, parked, &idle))
		session_unread(s);
	else if (idle.still != 0)
		command_idle_again(s, &idle);
	watch_close(&w, &s->account);
}

static void
session_begin(struct session *s, int rfd, int wfd)
{
	const struct config_imapd	*c = &s->conf->imapd;
	const struct imap_limits	 limits = {
		.line = c->max_command, .literal = c->max_command,
		.plus = true, .depth = 50
	};

	stream_init(&s->s, rfd, wfd, (int)c->net.idle_timeout * 1000,
	    (int64_t)c->net.total_timeout * 1000);
	memcpy(s->s.in, s->who->ahead, s->who->ahead_len);
	s->s.in_len = s->who->ahead_len;
	imap_lex_init(&s->lex, &s->s, &limits);
	buf_init(&s->answer, ANSWER_MAX);
	buf_init(&s->put.text, FLAGS_MAX);
	s->account.homefd = s->account.maildirfd = -1;
}

bool
session_news(struct session *s, bool between)
{
	bool	 there;

	there = s->notify != NULL ? notify_look(s, between) :
	    view_update(s, VIEW_ALL);
	if (!there) {
		stream_printf(&s->s, "* BYE The selected mailbox is gone\r\n");
		s->end = SESSION_LOST;
	}
	return there;
}

/* When something is to be done at the latest: the client left in peace till then. */
static int64_t
session_until(const struct session *s, int64_t rest)
{
	int64_t	 until = session_over(s), parks = park_time(s, NULL);

	if (parks < until)
		until = parks;
	return rest != 0 && rest < until ? rest : until;
}

/* Who says nothing for a while will probably not for long. */
static void
session_time(struct session *s, int64_t *rest)
{
	int64_t	 now = io_monotonic_ms();

	if (now >= session_over(s))
		session_silent(s);
	else if (*rest != 0 && now >= *rest) {
		session_rest(s);
		*rest = 0;
	} else if (now >= park_time(s, NULL))
		park_session(s, NULL);
}

/* Until a command comes, or an end: the lexer sees which. */
static void
session_wait(struct session *s)
{
	struct watch	 none, *w;
	int64_t		 rest = io_monotonic_ms() + HEAP_REST_MS;

	watch_init(&none);
	while (s->end == SESSION_GOES_ON && stream_pending(&s->s).len == 0 &&
	    stream_flush(&s->s) == STREAM_OK) {
		w = s->notify != NULL ? &s->notify->w : &none;
		switch (watch_wait(w, &s->s, session_until(s, rest))) {
		case WATCH_CLIENT:
		case WATCH_STOP:
			return;
		case WATCH_NEWS:
			session_news(s, true);
			rest = io_monotonic_ms() + HEAP_REST_MS;
			break;
		case WATCH_TIME:
			session_time(s, &rest);
			break;
		}
	}
}

static void
session_log(const struct session *s)
{
	log_info("event=imap-session user=%s ip=%s fetched=%llu "
	    "appended=%llu expunged=%llu end=%s ms=%lld",
	    log_esc(s->who->user), log_esc(s->who->ip),
	    (unsigned long long)s->fetched, (unsigned long long)s->appended,
	    (unsigned long long)s->expunged, session_end_name(s->end),
	    (long long)(io_monotonic_ms() - s->begun));
}

static void
session_close(struct session *s)
{
	fetch_forget(s);
	notify_free(s, s->notify);
	view_close(s);
	if (s->account.homefd != -1)
		account_close(&s->account);
	deflate_free(s->deflate);
	imap_lex_free(&s->lex);
	buf_free(&s->answer);
	buf_free(&s->put.text);
	stream_free(&s->s);
}

void
session_serve(const struct config *conf, const struct auth_handed *who,
    int rfd, int wfd, const struct session_parked *parked)
{
	static struct session	 s;	/* a process serves one session */

	home_wall(who->home);
	memset(&s, 0, sizeof(s));
	s.conf = conf;
	s.who = who;
	s.begun = s.silent = io_monotonic_ms();
	session_begin(&s, rfd, wfd);
	if (parked == NULL)
		session_login(&s);
	else
		session_resume(&s, parked);
	while (s.end == SESSION_GOES_ON) {
		session_wait(&s);
		if (s.end == SESSION_GOES_ON)
			command_next(&s);
		/* Who no longer hears us has not meant what comes next. */
		if (s.s.dead && s.end == SESSION_GOES_ON)
			s.end = SESSION_DROPPED;
	}
	if (stream_flush(&s.s) != STREAM_OK && s.end == SESSION_LOGOUT)
		s.end = SESSION_DROPPED;
	if (s.end != SESSION_PARKED)
		session_log(&s);
	session_close(&s);
}
