/* Contract in forwards.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "deliver/forwards.h"
#include "deliver/local.h"
#include "lib/base/io.h"
#include "lib/base/log.h"

#define COPY_BLOCK		65536

static enum forwards_status
bad_file(const struct deliver_job *j, struct deliver_result *r,
    const char *why)
{
	log_warnx("event=bad-forward-file id=%s user=%s reason=%s", j->id,
	    log_esc(j->user), log_esc(why));
	local_verdict(r, MAIL_TEMP, "4.3.5", "the forward file: %s", why);
	return FORWARDS_BAD;
}

/* Most users have none, and one call says so. */
static bool
has_file(const char *home)
{
	char	 path[AUTH_HOME_MAX + sizeof(FORWARD_FILE) + 1];

	snprintf(path, sizeof(path), "%s/%s", home, FORWARD_FILE);
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	    (errno != ENOENT && errno != ENOTDIR);
}

/* The file of HOME, believed only when it is ours. */
static enum forward_status
read_file(struct forwards *f, const struct deliver_job *j, struct buf *why)
{
	enum forward_status	 st;
	struct address		 user;
	int			 home;

	if (!has_file(j->home))
		return FORWARD_NONE;
	home = open(j->home, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (home == -1)
		return errno == ENOENT || errno == ENOTDIR ?
		    FORWARD_NONE : FORWARD_ERROR;
	(void)address_parse(slice_str(j->user), ADDRESS_LENIENT |
	    ADDRESS_UTF8, &user);
	st = forward_read(home, geteuid(), &user, &f->list, why);
	io_close(home);
	return st;
}

enum forwards_status
forwards_load(struct forwards *f, const struct deliver_job *j,
    struct deliver_result *r)
{
	enum forwards_status	 st = FORWARDS_NONE;
	struct buf		 why;

	memset(&f->list, 0, sizeof(f->list));
	f->id = j->id;
	smtp_submit_init(&f->smtp);
	buf_init(&why, sizeof(r->text) - 32);
	switch (read_file(f, j, &why)) {
	case FORWARD_NONE:
		break;
	case FORWARD_OK:
		/* Nobody but himself: a copy is all there is to do. */
		st = f->list.n == 0 ? FORWARDS_NONE : FORWARDS_SOME;
		break;
	case FORWARD_BAD:
		st = bad_file(j, r, buf_cstr(&why));
		break;
	case FORWARD_ERROR:
		st = bad_file(j, r, strerror(errno));
		break;
	}
	buf_free(&why);
	return st;
}

bool
forwards_keep(const struct forwards *f)
{
	return f->list.keep;
}

static void
note_refused(const char *rcpt, const struct smtp_reply *reply, void *arg)
{
	const struct forwards	*f = arg;

	log_warnx("event=forward-refused id=%s to=%s code=%d reason=%s", f->id,
	    log_esc(rcpt), reply->code, log_esc(reply->text));
}

/*
 * Never permanent: the sender can do nothing about a user's forward file, and
 * the user may mend it before the letter expires.
 */
static int
not_taken(struct forwards *f, struct deliver_result *r)
{
	local_verdict(r, MAIL_TEMP, "4.2.4", "cannot be forwarded: %d %s",
	    f->smtp.smtp.reply.code, f->smtp.smtp.reply.text);
	return -1;
}

static int
put_message(struct forwards *f, const struct deliver_job *j,
    struct deliver_result *r)
{
	static char	 block[COPY_BLOCK];
	char		 mark[ADDRESS_MAX + 32];
	uint64_t	 done = 0, left;
	size_t		 want;
	ssize_t		 n;

	snprintf(mark, sizeof(mark), "Delivered-To: %s\r\n", j->recipient);
	smtp_submit_put(&f->smtp, slice_str(mark));
	while (done < j->len) {
		left = j->len - done;
		want = left < sizeof(block) ? (size_t)left : sizeof(block);
		n = io_pread_full(j->fd, block, want,
		    (off_t)(j->offset + done));
		if (n == -1 || (size_t)n < want) {
			local_verdict(r, MAIL_TEMP, "4.3.0",
			    "cannot read the message: %s",
			    n == -1 ? strerror(errno) : "it is cut short");
			return -1;
		}
		smtp_submit_put(&f->smtp, (struct slice){ block, (size_t)n });
		done += (uint64_t)n;
	}
	return smtp_submit_flush(&f->smtp) == 0 ? 0 : not_taken(f, r);
}

int
forwards_begin(struct forwards *f, const struct worker *w,
    const struct deliver_job *j, struct deliver_result *r)
{
	struct smtp_envelope	 e = { .sender = j->sender,
	    .rcpt = (const char *const *)f->list.addresses,
	    .nrcpt = f->list.n, .size = j->len + ADDRESS_MAX,
	    .eightbit = true, .utf8 = j->utf8 != 0 };

	if (smtp_submit_open(&f->smtp, w->submit_path,
	    w->cfg->hostname) == -1 ||
	    smtp_submit_envelope(&f->smtp, &e, note_refused, f) == -1 ||
	    smtp_submit_data(&f->smtp) == -1)
		return not_taken(f, r);
	return put_message(f, j, r);
}

void
forwards_commit(struct forwards *f, const struct deliver_job *j,
    struct deliver_result *r)
{
	if (smtp_submit_end(&f->smtp) == -1) {
		(void)not_taken(f, r);
		return;
	}
	log_info("event=forwarded id=%s user=%s as=%s rcpts=%zu", j->id,
	    log_esc(j->user), log_esc(f->smtp.id), f->list.n);
	local_verdict(r, MAIL_OK, "2.0.0", "forwarded as %s", f->smtp.id);
}

void
forwards_free(struct forwards *f)
{
	smtp_submit_close(&f->smtp);
	forward_free(&f->list);
}
