/*
 * Contract in content.h.  The descriptor is shared with other processes, so it
 * is read by offsets alone.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "remote/content.h"

#define BLOCK		65536
#define SLOWEST		1024	/* octets a second are waited for */

/* Where we are in the file. */
struct reader {
	const struct remote_job	*job;
	uint64_t		 done;
};

static char	 block[BLOCK];

/* Octets, 0 at the end; a file shorter than it was said to be is EIO. */
static ssize_t
read_some(void *ctx, void *data, size_t size)
{
	struct reader	*r = ctx;
	uint64_t	 left = r->job->len - r->done;
	size_t		 want = left < size ? (size_t)left : size;
	ssize_t		 n;

	n = io_pread_full(r->job->fd, data, want,
	    (off_t)(r->job->offset + r->done));
	if (n != (ssize_t)want) {
		if (n >= 0)
			errno = EIO;
		return -1;
	}
	r->done += want;
	return n;
}

enum content_status
content_prepare(struct content *c, const struct remote_job *job,
    const struct smtp_features *f)
{
	struct reader	 r = { .job = job };
	unsigned int	 fix = 0;

	memset(c, 0, sizeof(*c));
	if (job->eightbit && !(f->ext & SMTP_EXT_8BITMIME))
		fix |= DOWNGRADE_EIGHTBIT;
	if (job->longline)
		fix |= DOWNGRADE_LONGLINE;
	if (fix == 0)
		return CONTENT_OK;
	switch (downgrade_scan(&c->plan, fix, read_some, &r)) {
	case DOWNGRADE_NOTHING:
		return CONTENT_OK;
	case DOWNGRADE_CAN:
		/*
		 * 8-bit octets in a header without SMTPUTF8 are plainly wrong
		 * and everywhere; they are passed on as they came.
		 */
	case DOWNGRADE_HEADERS:
		c->converted = true;
		return CONTENT_OK;
	case DOWNGRADE_CANNOT:
		/* Many hosts take long lines: let this one decide. */
		return fix == DOWNGRADE_LONGLINE ? CONTENT_OK :
		    CONTENT_UNFIT;
	case DOWNGRADE_ERROR:
		break;
	}
	log_warn("event=message-unreadable id=%s", job->id);
	return CONTENT_UNREADABLE;
}

void
content_free(struct content *c)
{
	downgrade_free(&c->plan);
}

/*
 * The host must take the content at some speed: not a time a block, which
 * could be stretched for ever, but one for all of it.
 */
static void
set_deadline(struct session *s, uint64_t len)
{
	int64_t	 ms = (int64_t)s->cfg->remote.data_timeout * 1000;

	stream_set_idle(&s->smtp.s,
	    (int)s->cfg->remote.command_timeout * 1000);
	s->smtp.s.total = io_monotonic_ms() + ms +
	    (int64_t)(len / SLOWEST * 1000);
}

static int
copy(struct session *s, struct reader *r,
    void (*put)(struct session *, const char *, size_t))
{
	ssize_t	 n;

	set_deadline(s, r->job->len);
	while (!s->smtp.s.dead &&
	    (n = read_some(r, block, sizeof(block))) != 0) {
		if (n == -1) {
			log_warn("event=message-unreadable id=%s",
			    r->job->id);
			return -1;
		}
		put(s, block, (size_t)n);
	}
	return 0;
}

static void
put_stuffed(struct session *s, const char *data, size_t len)
{
	smtp_client_put(&s->smtp, (struct slice){ data, len });
}

static void
put_raw(struct session *s, const char *data, size_t len)
{
	stream_put(&s->smtp.s, data, len);
}

static int
put_converted(void *ctx, const void *data, size_t len)
{
	struct session	*s = ctx;

	put_stuffed(s, data, len);
	if (!s->smtp.s.dead)
		return 0;
	errno = EPIPE;
	return -1;
}

static int
convert(struct session *s, struct reader *r, const struct content *c)
{
	set_deadline(s, r->job->len);
	if (downgrade_write(&c->plan, read_some, r, put_converted, s) == 0 ||
	    s->smtp.s.dead)
		return 0;
	log_warn("event=message-unreadable id=%s", r->job->id);
	return -1;
}

int
content_data(struct session *s, const struct remote_job *job,
    const struct content *c)
{
	struct reader	 r = { .job = job };

	smtp_client_begin(&s->smtp);
	if ((c->converted ? convert(s, &r, c) :
	    copy(s, &r, put_stuffed)) == -1)
		return -1;
	smtp_client_end(&s->smtp);
	return 0;
}

int
content_chunk(struct session *s, const struct remote_job *job)
{
	struct reader	 r = { .job = job };

	stream_printf(&s->smtp.s, "BDAT %llu LAST\r\n",
	    (unsigned long long)job->len);
	return copy(s, &r, put_raw);
}
