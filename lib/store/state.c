/* Contract in state.h; reading is in state_read.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/store/envelope.h"
#include "lib/store/state.h"

static const struct {
	int		 bit;
	const char	*name;
} notify_names[] = {
	{ NOTIFY_NEVER, "NEVER" },
	{ NOTIFY_SUCCESS, "SUCCESS" },
	{ NOTIFY_FAILURE, "FAILURE" },
	{ NOTIFY_DELAY, "DELAY" },
};

void
state_init(struct state *s)
{
	memset(s, 0, sizeof(*s));
}

static void
state_free_rcpt(struct state_rcpt *r)
{
	free(r->address);
	free(r->orcpt);
	free(r->owner);
	free(r->host);
	free(r->text);
}

void
state_free(struct state *s)
{
	state_cut(s, 0);
	free(s->rcpts);
	free(s->from);
	state_init(s);
}

struct state_rcpt *
state_add(struct state *s, const char *address, const char *orcpt,
    const char *owner, int notify)
{
	struct state_rcpt	*r;

	if (s->nrcpts == s->room) {
		s->room = s->room == 0 ? 1 : s->room * 2;
		s->rcpts = xreallocarray(s->rcpts, s->room,
		    sizeof(*s->rcpts));
	}
	r = &s->rcpts[s->nrcpts++];
	memset(r, 0, sizeof(*r));
	r->letter = STATE_PENDING;
	r->address = xstrdup(address);
	r->orcpt = orcpt == NULL ? NULL : xstrdup(orcpt);
	r->owner = owner == NULL ? NULL : xstrdup(owner);
	r->notify = notify;
	return r;
}

void
state_cut(struct state *s, size_t n)
{
	while (s->nrcpts > n)
		state_free_rcpt(&s->rcpts[--s->nrcpts]);
}

void
state_note(struct state_rcpt *r, int64_t when, const char *code,
    const char *host, const char *text)
{
	size_t	 n = strnlen(text, STATE_TEXT_MAX - 1);

	r->when = when;
	r->tries++;
	free(r->host);
	r->host = host == NULL ? NULL : xstrdup(host);
	strlcpy(r->code, code, sizeof(r->code));
	if (r->text != NULL && strncmp(r->text, text, n + 1) == 0)
		return;
	free(r->text);
	r->text = xstrndup(text, n);
}

static int
state_put(struct buf *out, const char *key, const char *value)
{
	if (buf_addstr(out, key) == -1)
		return -1;
	return text_xencode(out, slice_str(value), true);
}

static int
state_put_notify(struct buf *out, int notify)
{
	const char	*sep = " notify=";
	size_t		 i;

	for (i = 0; i < sizeof(notify_names) / sizeof(notify_names[0]); i++)
		if (notify & notify_names[i].bit) {
			if (buf_addf(out, "%s%s", sep, notify_names[i].name) ==
			    -1)
				return -1;
			sep = ",";
		}
	return 0;
}

/* Does a line of its last try follow the recipients? */
static bool
state_has_note(const struct state_rcpt *r)
{
	return r->text != NULL && r->when >= 0;
}

static int
state_put_rcpt(struct buf *out, struct state_rcpt *r)
{
	unsigned int	 tries = r->tries - state_has_note(r);

	r->offset = (off_t)out->len;
	if (buf_addf(out, "%c %04u ", (char)r->letter, r->batch) == -1 ||
	    state_put(out, "", r->address) == -1 ||
	    state_put_notify(out, r->notify) == -1 ||
	    (r->orcpt != NULL && state_put(out, " orcpt=", r->orcpt) == -1) ||
	    (r->owner != NULL && state_put(out, " owner=", r->owner) == -1) ||
	    (r->expand && buf_addstr(out, " expand=1") == -1) ||
	    (tries > 0 && buf_addf(out, " tries=%u", tries) == -1))
		return -1;
	return buf_addc(out, '\n');
}

static int
state_put_host(struct buf *out, const char *host)
{
	if (host == NULL || *host == '\0')
		return buf_addstr(out, "- ");
	if (text_xencode(out, slice_str(host), true) == -1)
		return -1;
	return buf_addc(out, ' ');
}

/* "TIME NUMBER CODE HOST TEXT" LF; the text may come from anywhere. */
static int
state_put_try(struct buf *out, const struct state *s, int64_t when,
    long number, const char *code, const char *host, const char *text)
{
	char	 num[24] = "*";
	size_t	 i, n = strnlen(text, STATE_TEXT_MAX - 1);

	if (number >= 0)
		snprintf(num, sizeof(num), "%ld", number);
	if (buf_addf(out, "%lld %s %s ", (long long)when, num,
	    *code == '\0' ? "-" : code) == -1 ||
	    (!s->old && state_put_host(out, host) == -1))
		return -1;
	for (i = 0; i < n; i++)
		if (buf_addc(out, text_is_control(text[i]) ? ' ' : text[i]) ==
		    -1)
			return -1;
	return buf_addc(out, '\n');
}

static int
state_format(struct state *s, struct buf *out)
{
	size_t	 i;

	s->old = false;
	if (buf_addf(out, "merpati-state 2\narrived %lld\nsize %llu\n",
	    (long long)s->arrived, (unsigned long long)s->size) == -1 ||
	    state_put(out, "from ", s->from) == -1 ||
	    buf_addstr(out, "\nwarned ") == -1)
		return -1;
	s->warned_offset = (off_t)out->len;
	if (buf_addf(out, "%c\nrcpts %zu\n", s->warned ? 'W' : '-',
	    s->nrcpts) == -1)
		return -1;
	for (i = 0; i < s->nrcpts; i++)
		if (state_put_rcpt(out, &s->rcpts[i]) == -1)
			return -1;
	if (buf_addstr(out, "end\n") == -1)
		return -1;
	s->head = (off_t)out->len;
	s->tries = 0;
	for (i = 0; i < s->nrcpts; i++)
		if (state_has_note(&s->rcpts[i])) {
			if (state_put_try(out, s, s->rcpts[i].when, (long)i,
			    s->rcpts[i].code, s->rcpts[i].host,
			    s->rcpts[i].text) == -1)
				return -1;
			s->tries++;
		}
	s->end = (off_t)out->len;
	s->torn = false;
	return 0;
}

int
state_create(int dir, const char *name, struct state *s, bool sync)
{
	struct buf	 b;
	char		 tmp[64];
	int		 fd = -1, saved;

	if ((size_t)snprintf(tmp, sizeof(tmp), ".%s", name) >= sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	buf_init(&b, STATE_MAX);
	if (state_format(s, &b) == -1)
		goto out;
	fd = openat(dir, tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (fd == -1)
		goto out;
	if (io_write_all(fd, b.ptr, b.len) == -1 ||
	    (sync && fdatasync(fd) == -1) ||
	    renameat(dir, tmp, dir, name) == -1)
		goto undo;
	/* From here the new file stands, whatever fsync says. */
	if (sync && fsync(dir) == -1)
		goto close;
	goto out;
undo:
	saved = errno;
	unlinkat(dir, tmp, 0);
	errno = saved;
close:
	io_close(fd);
	fd = -1;
out:
	saved = errno;
	buf_free(&b);
	errno = saved;
	return fd;
}

int
state_set_letter(int fd, struct state_rcpt *r, enum state_letter letter,
    unsigned int batch)
{
	char	 text[16];
	int	 n;

	n = snprintf(text, sizeof(text), "%c %04u", (char)letter, batch);
	if (batch > STATE_BATCHES || r->offset == 0) {
		errno = EINVAL;
		return -1;
	}
	if (io_pwrite_all(fd, text, (size_t)n, r->offset) == -1)
		return -1;
	r->letter = letter;
	r->batch = batch;
	return 0;
}

int
state_set_warned(int fd, struct state *s)
{
	if (io_pwrite_all(fd, "W", 1, s->warned_offset) == -1)
		return -1;
	s->warned = true;
	return 0;
}

int
state_add_try(int fd, struct state *s, int64_t when, long number,
    const char *code, const char *host, const char *text)
{
	struct buf	 b;
	int		 rc;

	buf_init(&b, STATE_TEXT_MAX + STATE_HOST_MAX * 3 + 64);
	rc = state_put_try(&b, s, when, number, code, host, text);
	/* A crash may have left half a line, or zeros. */
	if (rc == 0 && s->torn && (rc = ftruncate(fd, s->end)) == 0)
		s->torn = false;
	if (rc == 0)
		rc = io_pwrite_all(fd, b.ptr, b.len, s->end);
	if (rc == 0) {
		s->end += (off_t)b.len;
		s->tries++;
	}
	buf_free(&b);
	return rc;
}

int
state_set_next(int fd, int64_t when)
{
	struct timespec	 ts[2] = { { .tv_nsec = UTIME_OMIT },
	    { .tv_sec = when } };

	return futimens(fd, ts);
}
