/*
 * Contract in local.h.  Hostile here: the letter, and whatever the user put
 * into his mail home.  All runs as the mailboxes' uid.
 */
#include <sys/stat.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "deliver/forwards.h"
#include "deliver/local.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/mail/header.h"
#include "lib/store/mbox.h"
#include "lib/store/quota.h"
#include "lib/store/wake.h"

#define HEAD_FIRST	8192		/* holds most header sections */
#define HEAD_MAX	(256 * 1024)	/* smtpd accepts no longer ones */

void
local_verdict(struct deliver_result *r, enum mail_verdict verdict,
    const char *code, const char *fmt, ...)
{
	va_list	 ap;
	char	*p;

	r->verdict = verdict;
	snprintf(r->code, sizeof(r->code), "%s", code);
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
	/* One line, whatever a server or a file had in it. */
	for (p = r->text; *p != '\0'; p++)
		if (text_is_control(*p))
			*p = p[1] == '\0' ? '\0' : ' ';
}

static void
verdict_errno(struct deliver_result *r, const char *what)
{
	switch (errno) {
	case ENOSPC:
		local_verdict(r, MAIL_TEMP, "4.3.1", "the mail disk is full");
		break;
	case EDQUOT:
		local_verdict(r, MAIL_TEMP, "4.2.2", "mailbox full");
		break;
	case EAGAIN:
		local_verdict(r, MAIL_TEMP, "4.2.0", "the mailbox is locked");
		break;
	default:
		local_verdict(r, MAIL_TEMP, "4.3.0", "%s: %s", what,
		    strerror(errno));
	}
}

static bool
has_own_mark(struct slice head, const char *recipient)
{
	struct header_field	 f;
	size_t			 pos = 0;

	while (header_next(head, &pos, &f))
		if (slice_is(f.name, "Delivered-To") &&
		    slice_is(text_trim(f.value), recipient))
			return true;
	return false;
}

/*
 * Was the letter here before?  1, 0, or -1 with errno.  One read for most:
 * only a header section that does not end in the first octets is read
 * further.
 */
static int
is_loop(const struct deliver_job *j)
{
	static char	 head[HEAD_MAX];
	size_t		 want;
	ssize_t		 n;

	want = j->len < HEAD_FIRST ? (size_t)j->len : HEAD_FIRST;
	n = io_pread_full(j->fd, head, want, (off_t)j->offset);
	if (n == HEAD_FIRST && memmem(head, (size_t)n, "\r\n\r\n", 4) == NULL) {
		want = j->len < HEAD_MAX ? (size_t)j->len : HEAD_MAX;
		n = io_pread_full(j->fd, head, want, (off_t)j->offset);
	}
	if (n == -1)
		return -1;
	return has_own_mark((struct slice){ head, (size_t)n }, j->recipient);
}

/* The file or directory of the mailbox.  0, or -1 with errno. */
static int
mailbox_path(const struct worker *w, const struct deliver_job *j, char *out,
    size_t size)
{
	struct buf	 b;
	char		 local[AUTH_USER_MAX + 1], *at;
	int		 n;

	if (w->cfg->mailbox_mbox) {
		memcpy(local, j->user, sizeof(local));
		if ((at = strrchr(local, '@')) == NULL) {
			errno = EINVAL;
			return -1;
		}
		*at = '\0';
		buf_init(&b, size - 1);
		n = config_expand(w->cfg->mbox_path, local, at + 1, &b);
		if (n == 0)
			memcpy(out, buf_cstr(&b), b.len + 1);
		buf_free(&b);
		return n;
	}
	n = snprintf(out, size, "%s/Maildir", j->home);
	if (n < 0 || (size_t)n >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

/*
 * RFC 5321 4.4: the final delivery puts Return-Path on top.  Delivered-To is
 * the mark that is_loop() looks for.
 */
static struct slice
head_lines(const struct deliver_job *j)
{
	static char	 head[2 * ADDRESS_MAX + 64];
	int		 n;

	n = snprintf(head, sizeof(head),
	    "Return-Path: <%s>\r\nDelivered-To: %s\r\n", j->sender,
	    j->recipient);
	return (struct slice){ head, (size_t)n };
}

static int
usage_now(const struct worker *w, const struct deliver_job *j,
    struct local_letter *l, const char *path)
{
	struct quota	 q = { j->quota_octets, j->quota_count };
	struct stat	 st;

	if (!w->cfg->mailbox_mbox) {
		if (quota_usage(path, &q, &l->used_octets,
		    &l->used_count) == -1 && errno != ENOENT)
			return -1;
	} else if (stat(path, &st) == 0)
		l->used_octets = (uint64_t)st.st_size;
	else if (errno != ENOENT)
		return -1;
	l->used_known = true;
	return 0;
}

/*
 * A letter that may be in the mailbox since an earlier try is counted there
 * already: then only being over the limit counts, not getting there.
 */
static bool
is_over(const struct local_letter *l, const struct deliver_job *j)
{
	uint64_t	 len = j->again ? 0 : j->len, one = j->again ? 0 : 1;

	return (j->quota_octets > 0 && (l->used_octets > j->quota_octets ||
	    len > j->quota_octets - l->used_octets)) ||
	    (j->quota_count > 0 && l->used_count + one > j->quota_count);
}

static int
write_letter(const struct worker *w, const struct deliver_job *j,
    const struct maildir_delivery *d, struct local_letter *l)
{
	if (w->cfg->mailbox_mbox)
		return mbox_deliver(d, j->sender, &l->stored);
	return maildir_begin(d, &l->stored, &l->pending);
}

/* Before it is durable: so the next of a batch sees the mailbox that full. */
static void
count_letter(const struct worker *w, const struct deliver_job *j,
    struct local_letter *l, const char *path)
{
	l->used_octets += l->stored;
	l->used_count++;
	if (w->cfg->mailbox_mbox)
		return;
	if (quota_add(path, (int64_t)l->stored, 1) == -1)
		log_warn("event=quota-unwritten user=%s", log_esc(j->user));
	else
		strlcpy(l->counted, path, sizeof(l->counted));
}

static void
store(const struct worker *w, const struct deliver_job *j,
    struct local_letter *l)
{
	struct deliver_result	*r = &l->result;
	char			 path[sizeof(l->counted)];
	struct maildir_delivery	 d = { .dir = path, .host = w->cfg->hostname,
	    .id = j->id, .number = j->number, .arrived = j->arrived,
	    .again = j->again, .head = head_lines(j), .fd = j->fd,
	    .offset = (off_t)j->offset, .len = j->len };
	bool			 limited = j->quota_octets > 0 ||
				    j->quota_count > 0;

	if (mailbox_path(w, j, path, sizeof(path)) == -1) {
		verdict_errno(r, "bad mailbox path");
		return;
	}
	if (limited && usage_now(w, j, l, path) == -1) {
		verdict_errno(r, "cannot read the mailbox's size");
		return;
	}
	if (limited && is_over(l, j)) {
		local_verdict(r, MAIL_TEMP, "4.2.2", "mailbox full");
		return;
	}
	if (write_letter(w, j, &d, l) == -1) {
		verdict_errno(r, "cannot write to the mailbox");
		return;
	}
	if (limited)
		count_letter(w, j, l, path);
	if (!w->cfg->mailbox_mbox)
		strlcpy(l->home, j->home, sizeof(l->home));
	local_verdict(r, MAIL_OK, "2.0.0", "delivered");
}

/* It is not in the mailbox, for errno. */
static void
not_stored(struct local_letter *l)
{
	verdict_errno(&l->result, "cannot write to the mailbox");
	if (*l->counted == '\0')
		return;
	l->used_known = false;
	if (quota_add(l->counted, -(int64_t)l->stored, -1) == -1)
		log_warn("event=quota-unwritten user=%s", log_esc(l->user));
}

/* Wake sessions once, however many of the letters are for one mailbox. */
static void
wake_sessions(struct local_letter *l, size_t n)
{
	size_t	 i, j;

	for (i = 0; i < n; i++) {
		if (l[i].home[0] == '\0')
			continue;
		wake_send_home(l[i].home, ".");
		for (j = i + 1; j < n; j++)
			if (strcmp(l[j].home, l[i].home) == 0)
				l[j].home[0] = '\0';
		l[i].home[0] = '\0';
	}
}

void
local_finish(struct local_letter *l, size_t n)
{
	struct maildir_pending	*p[MAILDIR_PENDING] = { NULL };
	int			 error[MAILDIR_PENDING];
	size_t			 i;

	for (i = 0; i < n; i++)
		p[i] = &l[i].pending;
	maildir_finish(p, error, n);
	for (i = 0; i < n; i++) {
		if (error[i] == 0)
			continue;
		l[i].home[0] = '\0';
		errno = error[i];
		not_stored(&l[i]);
	}
	wake_sessions(l, n);
}

/*
 * Everything about a forward but its final dot happens first, then the copy
 * for the mailbox, then the dot: what usually fails (no smtpd, a
 * refusal, a full mailbox) is known before anything was done, and the copy,
 * whose name comes from the job, is not made twice by a second try.  Only
 * when smtpd breaks off at the dot itself may a second try send a duplicate.
 */
static void
deliver_forwarded(struct worker *w, const struct deliver_job *j,
    struct forwards *f, struct local_letter *l)
{
	if (forwards_begin(f, w, j, &l->result) == -1)
		return;
	if (forwards_keep(f)) {
		store(w, j, l);
		local_finish(l, 1);
		if (l->result.verdict != MAIL_OK)
			return;
	}
	forwards_commit(f, j, &l->result);
}

void
local_deliver(struct worker *w, const struct deliver_job *j,
    struct local_letter *l)
{
	struct deliver_result	*r = &l->result;
	struct forwards		 f;

	memcpy(r->id, j->id, sizeof(r->id));
	r->number = j->number;
	strlcpy(l->user, j->user, sizeof(l->user));
	l->pending.fd = -1;
	l->pending.path = NULL;
	l->used_known = false;
	l->used_octets = l->used_count = 0;
	l->counted[0] = l->home[0] = '\0';
	switch (is_loop(j)) {
	case -1:
		verdict_errno(r, "cannot read the message");
		return;
	case 1:
		local_verdict(r, MAIL_PERM, "5.4.6",
		    "mail loop: this message was delivered to %s before",
		    j->recipient);
		return;
	}
	switch (forwards_load(&f, j, r)) {
	case FORWARDS_NONE:
		store(w, j, l);
		break;
	case FORWARDS_SOME:
		deliver_forwarded(w, j, &f, l);
		break;
	case FORWARDS_BAD:
		break;
	}
	forwards_free(&f);
}
