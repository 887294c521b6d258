/*
 * Contract in content.h.  The descriptor is shared with other processes, so it
 * is read by offsets alone.
 */
#include <errno.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "remote/content.h"

#define BLOCK		65536
#define SLOWEST		1024	/* octets a second are waited for */

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
copy(struct session *s, const struct remote_job *job,
    void (*put)(struct session *, const char *, size_t))
{
	static char	 block[BLOCK];
	uint64_t	 done = 0;
	size_t		 want;
	ssize_t		 n;

	set_deadline(s, job->len);
	while (done < job->len && !s->smtp.s.dead) {
		want = job->len - done < BLOCK ? (size_t)(job->len - done) :
		    BLOCK;
		n = io_pread_full(job->fd, block, want,
		    (off_t)(job->offset + done));
		if (n != (ssize_t)want) {
			if (n >= 0)
				errno = EIO;
			log_warn("event=message-unreadable id=%s", job->id);
			return -1;
		}
		put(s, block, want);
		done += want;
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

int
content_data(struct session *s, const struct remote_job *job)
{
	smtp_client_begin(&s->smtp);
	if (copy(s, job, put_stuffed) == -1)
		return -1;
	smtp_client_end(&s->smtp);
	return 0;
}

int
content_chunk(struct session *s, const struct remote_job *job)
{
	stream_printf(&s->smtp.s, "BDAT %llu LAST\r\n",
	    (unsigned long long)job->len);
	return copy(s, job, put_raw);
}
