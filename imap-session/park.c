/* Contract in park.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "imap-session/command.h"
#include "imap-session/park.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/mailbox_name.h"

#define RANGES_MAX	100000

/* What is numbers in a session, in the order of the note. */
enum park_number {
	PARK_BEGUN, PARK_TOTAL, PARK_SILENT, PARK_ENABLED, PARK_ERRORS,
	PARK_FETCHED, PARK_APPENDED, PARK_EXPUNGED,
	PARK_STILL,			/* 0: not in IDLE */
	PARK_SESSION,			/* so many without a mailbox */
	PARK_VALIDITY = PARK_SESSION, PARK_NEXT, PARK_COUNT, PARK_UNSEEN,
	PARK_DELETED, PARK_STATE_RECENT, PARK_STATE_MODSEQ, PARK_KEYWORDS,
	PARK_STATE_READ_ONLY, PARK_RECENT, PARK_TOLD_KEYWORDS, PARK_MODSEQ,
	PARK_VANISHED, PARK_READ_ONLY,
	PARK_ALL
};

static const struct {
	const char	*key;
	uint64_t	 max;
} park_key[PARK_ALL] = {
	[PARK_BEGUN] = { "begun", INT64_MAX },
	[PARK_TOTAL] = { "total", INT64_MAX },
	[PARK_SILENT] = { "silent", INT64_MAX },
	[PARK_ENABLED] = { "enabled", UINT32_MAX },
	[PARK_ERRORS] = { "errors", UINT32_MAX },
	[PARK_FETCHED] = { "fetched", UINT64_MAX },
	[PARK_APPENDED] = { "appended", UINT64_MAX },
	[PARK_EXPUNGED] = { "expunged", UINT64_MAX },
	[PARK_STILL] = { "still", INT64_MAX },
	[PARK_VALIDITY] = { "validity", UINT32_MAX },
	[PARK_NEXT] = { "next", UINT32_MAX },
	[PARK_COUNT] = { "count", UINT32_MAX },
	[PARK_UNSEEN] = { "unseen", UINT32_MAX },
	[PARK_DELETED] = { "deleted", UINT32_MAX },
	[PARK_STATE_RECENT] = { "state-recent", UINT32_MAX },
	[PARK_STATE_MODSEQ] = { "state-modseq", UINT64_MAX },
	[PARK_KEYWORDS] = { "keywords", UINT32_MAX },
	[PARK_STATE_READ_ONLY] = { "state-read-only", 1 },
	[PARK_RECENT] = { "recent", UINT32_MAX },
	[PARK_TOLD_KEYWORDS] = { "told-keywords", UINT32_MAX },
	[PARK_MODSEQ] = { "modseq", UINT64_MAX },
	[PARK_VANISHED] = { "vanished", UINT64_MAX },
	[PARK_READ_ONLY] = { "read-only", 1 },
};

/* --- leaving --------------------------------------------------------------- */

/* Is there nothing but what a note can say, and nothing under way? */
static bool
park_possible(const struct session *s, const struct park_idle *idle)
{
	const struct account	*a = &s->account;

	if (!session_may_park() || s->conf->imapd.park_after == 0 ||
	    s->notify != NULL || s->deflate != NULL ||
	    stream_pending(&s->s).len > 0 || s->s.out.len > 0 || s->s.dead)
		return false;
	/* UIDs that are of this process alone. */
	if (a->index_alone ||
	    (a->index != NULL && index_is_private(a->index)) ||
	    (s->view.folder != NULL && folder_is_provisional(s->view.folder)))
		return false;
	return idle == NULL || s->view.folder == NULL ||
	    (idle->w->wake.fd != -1 && watch_is_local(a));
}

int64_t
park_time(const struct session *s, const struct park_idle *idle)
{
	return park_possible(s, idle) ? s->parks : INT64_MAX;
}

static void
park_numbers_of(const struct session *s, const struct park_idle *idle,
    uint64_t n[PARK_ALL])
{
	const struct view		*v = &s->view;
	const struct folder_state	*st = &v->state;

	n[PARK_BEGUN] = (uint64_t)s->begun;
	n[PARK_TOTAL] = (uint64_t)s->s.total;
	n[PARK_SILENT] = (uint64_t)s->silent;
	n[PARK_ENABLED] = s->enabled;
	n[PARK_ERRORS] = s->errors;
	n[PARK_FETCHED] = s->fetched;
	n[PARK_APPENDED] = s->appended;
	n[PARK_EXPUNGED] = s->expunged;
	n[PARK_STILL] = idle == NULL ? 0 : (uint64_t)idle->still;
	n[PARK_VALIDITY] = st->validity;
	n[PARK_NEXT] = st->next;
	n[PARK_COUNT] = st->count;
	n[PARK_UNSEEN] = st->unseen;
	n[PARK_DELETED] = st->deleted;
	n[PARK_STATE_RECENT] = st->recent;
	n[PARK_STATE_MODSEQ] = st->modseq;
	n[PARK_KEYWORDS] = st->keywords;
	n[PARK_STATE_READ_ONLY] = st->read_only;
	n[PARK_RECENT] = v->recent;
	n[PARK_TOLD_KEYWORDS] = v->told_keywords;
	n[PARK_MODSEQ] = v->modseq;
	n[PARK_VANISHED] = v->vanished;
	n[PARK_READ_ONLY] = v->read_only;
}

static void
park_put_set(struct ipc_msg *m, const char *key, const struct number_set *set)
{
	struct buf	 text;

	buf_init(&text, IPC_MAX);
	if (number_set_format(set, &text) == -1)
		m->bad = true;		/* too many gaps for a note */
	ipc_put_octets(m, key, buf_slice(&text));
	buf_free(&text);
}

/* The note: IDLE's tag and socket, the numbers, the mailbox and its UIDs. */
static void
park_put(struct ipc_msg *m, const struct session *s,
    const struct park_idle *idle)
{
	const struct view	*v = &s->view;
	uint64_t		 n[PARK_ALL];
	bool			 selected = v->folder != NULL;
	int			 i;

	ipc_put_text(m, "tag", idle == NULL ? "" : s->lex.tag);
	ipc_put(m, "wake", idle == NULL || idle->w->dir == NULL ? "" :
	    idle->w->wake.name);
	park_numbers_of(s, idle, n);
	for (i = 0; i < (selected ? PARK_ALL : PARK_SESSION); i++)
		ipc_put_u64(m, park_key[i].key, n[i]);
	if (!selected)
		return;
	ipc_put_octets(m, "mailbox", slice_str(v->name));
	park_put_set(m, "uids", &v->uids);
	park_put_set(m, "saved", &v->saved);
}

/*
 * Is there something in the mailbox that IDLE has not told, or that it cannot see?
 * Before it parks that is a reason to stay: whoever were woken for what he
 * can do nothing about would come and go for ever.  After it, it is what happened
 * before the server listened.
 */
static bool
park_news(struct session *s, const struct park_idle *idle)
{
	struct folder_state	 now;

	if (s->view.folder == NULL || idle == NULL)
		return false;
	return folder_sync(s->view.folder, FOLDER_QUICK, &now) == -1 ||
	    view_differs(&s->view, &now);
}

static bool
park_ask(struct session *s, const struct park_idle *idle,
    const char *const dirs[PARK_DIRS])
{
	int64_t	 until = session_over(s);

	if (idle != NULL && idle->still < until)
		until = idle->still;
	session_park_start(&ipc_question, until, dirs);
	park_put(&ipc_question, s, idle);
	return session_park(&ipc_question, s->s.rfd, idle == NULL ? -1 :
	    idle->w->wake.fd);
}

bool
park_session(struct session *s, const struct park_idle *idle)
{
	char	*new = NULL, *cur = NULL;
	bool	 taken;

	if (idle != NULL && idle->w->dir != NULL) {
		xasprintf(&new, "%s/%s/new", s->account.maildir, idle->w->dir);
		xasprintf(&cur, "%s/%s/cur", s->account.maildir, idle->w->dir);
	}
	taken = !park_news(s, idle) &&
	    park_ask(s, idle, (const char *[PARK_DIRS]){ new, cur });
	free(new);
	free(cur);
	if (!taken) {
		session_stirs(s);	/* the next time, then */
		return false;
	}
	s->end = SESSION_PARKED;
	if (park_news(s, idle))
		wake_again(&idle->w->wake, s->account.homefd);
	if (idle != NULL)
		wake_leave(&idle->w->wake);
	return true;
}

/* --- going on -------------------------------------------------------------- */

static void
park_set_numbers(struct session *s, const uint64_t n[PARK_ALL])
{
	struct view		*v = &s->view;
	struct folder_state	*st = &v->state;

	s->begun = (int64_t)n[PARK_BEGUN];
	s->s.total = (int64_t)n[PARK_TOTAL];
	s->silent = (int64_t)n[PARK_SILENT];
	s->enabled = (unsigned int)n[PARK_ENABLED];
	s->lex.utf8 = session_utf8(s);
	s->errors = (unsigned int)n[PARK_ERRORS];
	s->fetched = n[PARK_FETCHED];
	s->appended = n[PARK_APPENDED];
	s->expunged = n[PARK_EXPUNGED];
	st->validity = (uint32_t)n[PARK_VALIDITY];
	st->next = (uint32_t)n[PARK_NEXT];
	st->count = (uint32_t)n[PARK_COUNT];
	st->unseen = (uint32_t)n[PARK_UNSEEN];
	st->deleted = (uint32_t)n[PARK_DELETED];
	st->recent = (uint32_t)n[PARK_STATE_RECENT];
	st->modseq = n[PARK_STATE_MODSEQ];
	st->keywords = (uint32_t)n[PARK_KEYWORDS];
	st->read_only = n[PARK_STATE_READ_ONLY] != 0;
	v->recent = (uint32_t)n[PARK_RECENT];
	v->told_keywords = (uint32_t)n[PARK_TOLD_KEYWORDS];
	v->modseq = n[PARK_MODSEQ];
	v->vanished = n[PARK_VANISHED];
	v->read_only = n[PARK_READ_ONLY] != 0;
}

static void
park_get_set(struct ipc_msg *m, const char *key, struct number_set *out)
{
	struct buf	 text;

	buf_init(&text, IPC_MAX);
	ipc_get_octets(m, key, &text);
	if (text.len > 0 &&
	    number_set_parse(buf_slice(&text), 0, RANGES_MAX, out) == -1)
		m->bad = true;
	buf_free(&text);
}

/* 0, or -1: the note is none of ours. */
static int
park_get(struct ipc_msg *m, struct session *s, struct wake *wake,
    struct buf *mailbox, int64_t *still)
{
	uint64_t	 n[PARK_ALL] = { 0 };
	int		 i;

	ipc_get_text(m, "tag", s->lex.tag, sizeof(s->lex.tag));
	ipc_get(m, "wake", wake->name, sizeof(wake->name));
	for (i = 0; i < PARK_SESSION; i++)
		ipc_get_u64(m, park_key[i].key, park_key[i].max, &n[i]);
	if (ipc_next_is(m, park_key[i].key)) {
		for (; i < PARK_ALL; i++)
			ipc_get_u64(m, park_key[i].key, park_key[i].max,
			    &n[i]);
		ipc_get_octets(m, "mailbox", mailbox);
		park_get_set(m, "uids", &s->view.uids);
		park_get_set(m, "saved", &s->view.saved);
	}
	park_set_numbers(s, n);
	*still = (int64_t)n[PARK_STILL];
	return ipc_end(m);
}

/*
 * The mailbox as it was, by name; another one of that name is not it (-1, ENOENT).
 * One that cannot be looked at now can still be read as it was known, as in a
 * session that kept its process.
 */
static int
park_open(struct session *s, const struct buf *mailbox)
{
	struct folder_state	 now;
	enum command_end	 end;
	struct folder		*f;

	s->view.name = xstrdup(buf_cstr(mailbox));
	s->view.folder = f = command_folder(s, "IDLE", buf_slice(mailbox),
	    false, &end);
	if (f == NULL || (folder_sync(f, FOLDER_QUICK, &now) == -1 &&
	    (view_gone(errno) || folder_state(f, &now) == -1)))
		return -1;
	if (now.validity == s->view.state.validity)
		return 0;
	errno = ENOENT;
	return -1;
}

/* The note's socket is the watch's from here on. */
static void
park_watch(struct session *s, const struct session_parked *parked,
    const char *dir, struct watch *w)
{
	if (parked->wake != -1)
		watch_adopt(w, &s->account, dir, parked->wake);
}

static void
park_lost(struct session *s, const char *text)
{
	stream_printf(&s->s, "* BYE %s\r\n", text);
	s->end = SESSION_LOST;
}

/* errno says why its mailbox is not to be had. */
static void
park_lost_mailbox(struct session *s)
{
	if (view_gone(errno)) {
		park_lost(s, "The selected mailbox is gone");
		return;
	}
	log_warn("event=imap-mailbox-failed user=%s home=%s",
	    log_esc(s->who->user), log_esc(s->who->home));
	park_lost(s, "[UNAVAILABLE] The selected mailbox cannot be opened now");
}

bool
park_resume(struct session *s, const struct session_parked *parked,
    struct park_idle *idle)
{
	struct buf	 mailbox;

	buf_init(&mailbox, MAILBOX_NAME_MAX);
	ipc_load(&ipc_question, parked->note);
	if (park_get(&ipc_question, s, &idle->w->wake, &mailbox,
	    &idle->still) == -1) {
		log_warnx("event=imap-note-bad user=%s",
		    log_esc(s->who->user));
		park_lost(s, "[SERVERBUG] The session cannot go on");
	} else if (session_account(s) && mailbox.len > 0 &&
	    park_open(s, &mailbox) == -1)
		park_lost_mailbox(s);
	if (s->account.homefd != -1)
		park_watch(s, parked, s->view.folder == NULL ? "." :
		    folder_dir(s->view.folder), idle->w);
	buf_free(&mailbox);
	return s->end == SESSION_GOES_ON;
}
