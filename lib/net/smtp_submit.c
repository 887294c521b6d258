/* Contract in smtp_submit.h. */
#include <sys/socket.h>
#include <sys/un.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/buf.h"
#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/net/smtp_submit.h"

#define REPLY_LINE	4096		/* lenient: RFC 5321 says 512 */
#define REPLY_LINES	200
#define TIMEOUT_MS	(5 * 60 * 1000)	/* RFC 5321 4.5.3.2 */
#define DOT_TIMEOUT_MS	(10 * 60 * 1000) /* RFC 5321 4.5.3.2.6 */
#define QUIT_TIMEOUT_MS	2000
/*
 * Recipients in one go.  More, and both sides might be writing into full
 * sockets while neither reads.
 */
#define BATCH		50
#define BLOCK		16384		/* looked at for dots at once */

int
smtp_submit_path(const char *run_dir, char *out, size_t size)
{
	int	 n = snprintf(out, size, "%s/smtpd/submit.sock", run_dir);

	if (n >= 0 && (size_t)n < size)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int
smtp_submit_connect(const char *path)
{
	struct sockaddr_un	 sun = { .sun_family = AF_UNIX };
	int			 sock;

	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	if (connect(sock, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return sock;
	io_close(sock);
	return -1;
}

void
smtp_submit_init(struct smtp_submit *c)
{
	memset(c, 0, sizeof(*c));
	c->sock = -1;
}

/* The connection failed: say so in the reply. */
static int
broken(struct smtp_submit *c, enum stream_status st)
{
	c->idle = false;
	c->lost = true;
	smtp_reply_set(&c->reply, 451, "4.4.2",
	    "the connection to smtpd broke: %s", st == STREAM_ERROR ?
	    strerror(errno) : stream_status_name(st));
	return -1;
}

static void
note_extension(struct smtp_submit *c, struct slice line)
{
	static const struct {
		const char	*name;
		int		 bit;
	} known[] = {
		{ "PIPELINING", SMTP_EXT_PIPELINING },
		{ "8BITMIME", SMTP_EXT_8BITMIME },
		{ "SMTPUTF8", SMTP_EXT_SMTPUTF8 },
		{ "DSN", SMTP_EXT_DSN },
		{ "SIZE", SMTP_EXT_SIZE },
	};
	const char	*sp;
	size_t		 i;

	if (line.len < 4)
		return;
	line.ptr += 4;
	line.len -= 4;
	if ((sp = memchr(line.ptr, ' ', line.len)) != NULL)
		line.len = (size_t)(sp - line.ptr);
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_is(line, known[i].name))
			c->ext |= known[i].bit;
}

/* Read one reply into c->reply; 0 whatever it says, -1 when there is none. */
static int
read_reply(struct smtp_submit *c, bool ehlo)
{
	enum smtp_reply_status	 rs = SMTP_REPLY_MORE;
	enum stream_status	 st;
	struct slice		 line;
	int			 n;

	smtp_reply_init(&c->reply);
	for (n = 0; rs == SMTP_REPLY_MORE && n < REPLY_LINES; n++) {
		st = stream_line(&c->s, REPLY_LINE, &line);
		if (st != STREAM_OK)
			return broken(c, st);
		rs = smtp_reply_add(&c->reply, line);
		if (ehlo && n > 0 && rs != SMTP_REPLY_BAD)
			note_extension(c, line);
	}
	if (rs == SMTP_REPLY_DONE)
		return 0;
	c->idle = false;
	c->lost = true;
	smtp_reply_set(&c->reply, 451, "4.5.0",
	    "smtpd sent something that is no SMTP reply");
	return -1;
}

/* A reply of the class (2, 3) asked for, or -1. */
static int
expect_reply(struct smtp_submit *c, int class, bool ehlo)
{
	if (read_reply(c, ehlo) == -1)
		return -1;
	if (c->reply.code / 100 == class)
		return 0;
	if (c->reply.code < 400)
		smtp_reply_set(&c->reply, 451, "4.5.0",
		    "smtpd's answer makes no sense here");
	return -1;
}

static int
expect(struct smtp_submit *c, int class)
{
	return expect_reply(c, class, false);
}

int
smtp_submit_open(struct smtp_submit *c, const char *path, const char *helo)
{
	smtp_submit_init(c);
	if ((c->sock = smtp_submit_connect(path)) == -1) {
		smtp_reply_set(&c->reply, 451, "4.3.2",
		    "smtpd cannot be reached at %s: %s", path,
		    strerror(errno));
		return -1;
	}
	stream_init(&c->s, c->sock, c->sock, TIMEOUT_MS, 0);
	if (expect(c, 2) == -1)
		return -1;
	stream_printf(&c->s, "EHLO %s\r\n", helo);
	if (expect_reply(c, 2, true) == -1)
		return -1;
	c->idle = true;
	return 0;
}

/* No octet that could end or split a command. */
static bool
is_clean(const char *s)
{
	for (; *s != '\0'; s++)
		if (text_is_control(*s))
			return false;
	return true;
}

static int
refuse_here(struct smtp_submit *c, int code, const char *enhanced,
    const char *text)
{
	c->idle = false;
	smtp_reply_set(&c->reply, code, enhanced, "%s", text);
	return -1;
}

static int
put_mail(struct smtp_submit *c, const struct smtp_envelope *e)
{
	struct buf	 id;

	if (!is_clean(e->sender))
		return refuse_here(c, 501, "5.1.7", "bad sender address");
	if (e->utf8 && !(c->ext & SMTP_EXT_SMTPUTF8))
		return refuse_here(c, 550, "5.6.7",
		    "smtpd takes no internationalised mail");
	stream_printf(&c->s, "MAIL FROM:<%s>", e->sender);
	if (e->size > 0 && (c->ext & SMTP_EXT_SIZE))
		stream_printf(&c->s, " SIZE=%llu",
		    (unsigned long long)e->size);
	if (e->eightbit && (c->ext & SMTP_EXT_8BITMIME))
		stream_printf(&c->s, " BODY=8BITMIME");
	if (e->utf8)
		stream_printf(&c->s, " SMTPUTF8");
	if (e->ret != NULL && (c->ext & SMTP_EXT_DSN))
		stream_printf(&c->s, " RET=%s", e->ret);
	if (e->envid != NULL && (c->ext & SMTP_EXT_DSN)) {
		/* RFC 3461 4.4: 100 octets, of xtext. */
		buf_init(&id, 100);
		if (text_xencode(&id, slice_str(e->envid), false) == 0)
			stream_printf(&c->s, " ENVID=%s", buf_cstr(&id));
		buf_free(&id);
	}
	stream_printf(&c->s, "\r\n");
	return 0;
}

static void
put_rcpt(struct smtp_submit *c, const struct smtp_envelope *e,
    const char *rcpt)
{
	stream_printf(&c->s, "RCPT TO:<%s>", rcpt);
	if (e->notify != NULL && (c->ext & SMTP_EXT_DSN))
		stream_printf(&c->s, " NOTIFY=%s", e->notify);
	stream_printf(&c->s, "\r\n");
}

/* MAIL was refused: read the answers of the RCPTs behind it, keep its own. */
static int
drain(struct smtp_submit *c, size_t n)
{
	struct smtp_reply	 first = c->reply;

	while (n-- > 0 && !c->lost && read_reply(c, false) == 0)
		;
	c->reply = first;
	return -1;
}

int
smtp_submit_envelope(struct smtp_submit *c, const struct smtp_envelope *e,
    void (*refused)(const char *, const struct smtp_reply *, void *),
    void *arg)
{
	struct smtp_reply	 worst = { 0 };
	size_t			 sent, got, batch;
	bool			 mail;

	c->idle = false;
	for (sent = 0; sent < e->nrcpt; sent++)
		if (!is_clean(e->rcpt[sent]))
			return refuse_here(c, 501, "5.1.3",
			    "bad recipient address");
	if (put_mail(c, e) == -1)
		return -1;
	mail = true;
	batch = BATCH;
	if (!(c->ext & SMTP_EXT_PIPELINING)) {
		if (expect(c, 2) == -1)
			return -1;
		mail = false;
		batch = 1;
	}
	for (sent = got = 0; got < e->nrcpt;) {
		for (; sent < e->nrcpt && sent - got < batch; sent++)
			put_rcpt(c, e, e->rcpt[sent]);
		/* MAIL's reply comes in front of the first batch. */
		if (mail && expect(c, 2) == -1)
			return drain(c, sent);
		mail = false;
		for (; got < sent; got++) {
			if (expect(c, 2) == 0)
				continue;
			if (refused != NULL)
				refused(e->rcpt[got], &c->reply, arg);
			if (worst.code / 100 != 4)
				worst = c->reply;
			if (c->lost || c->reply.code == 421)
				return -1;
		}
	}
	if (worst.code == 0)
		return 0;
	c->reply = worst;
	return -1;
}

int
smtp_submit_reset(struct smtp_submit *c)
{
	if (c->lost)
		return -1;
	stream_put(&c->s, "RSET\r\n", 6);
	if (expect(c, 2) == -1)
		return -1;
	c->idle = true;
	return 0;
}

int
smtp_submit_data(struct smtp_submit *c)
{
	c->idle = false;
	c->last = '\n';
	stream_put(&c->s, "DATA\r\n", 6);
	return expect(c, 3);
}

/* RFC 5321 4.5.2, in runs: most mail has no line that starts with a dot. */
static void
put_block(struct smtp_submit *c, const char *p, size_t len)
{
	const char	*end = p + len, *hit;

	if (c->last == '\n' && *p == '.')
		stream_put(&c->s, ".", 1);
	while ((hit = memmem(p, (size_t)(end - p), "\n.", 2)) != NULL) {
		stream_put(&c->s, p, (size_t)(hit + 1 - p));
		stream_put(&c->s, ".", 1);
		p = hit + 1;
	}
	stream_put(&c->s, p, (size_t)(end - p));
	c->last = end[-1];
}

void
smtp_submit_put(struct smtp_submit *c, struct slice data)
{
	size_t	 n;

	for (; data.len > 0; data.ptr += n, data.len -= n) {
		n = data.len < BLOCK ? data.len : BLOCK;
		put_block(c, data.ptr, n);
	}
}

/* "queued as ID", wherever it stands in the text. */
static void
note_id(struct smtp_submit *c)
{
	static const char	 mark[] = "queued as ";
	const char		*p;
	size_t			 n;

	c->id[0] = '\0';
	if ((p = strcasestr(c->reply.text, mark)) == NULL)
		return;
	p += sizeof(mark) - 1;
	for (n = 0; text_is_alnum(p[n]); n++)
		;
	if (n < sizeof(c->id)) {
		memcpy(c->id, p, n);
		c->id[n] = '\0';
	}
}

int
smtp_submit_flush(struct smtp_submit *c)
{
	enum stream_status	 st = stream_flush(&c->s);

	return st == STREAM_OK ? 0 : broken(c, st);
}

int
smtp_submit_end(struct smtp_submit *c)
{
	int	 n;

	if (c->last != '\n')
		stream_put(&c->s, "\r\n", 2);
	stream_put(&c->s, ".\r\n", 3);
	stream_set_idle(&c->s, DOT_TIMEOUT_MS);
	n = expect(c, 2);
	stream_set_idle(&c->s, TIMEOUT_MS);
	if (n == -1)
		return -1;
	note_id(c);
	c->idle = true;
	return 0;
}

void
smtp_submit_close(struct smtp_submit *c)
{
	struct slice	 line;

	if (c->sock == -1)
		return;
	if (c->idle) {
		stream_set_idle(&c->s, QUIT_TIMEOUT_MS);
		stream_put(&c->s, "QUIT\r\n", 6);
		(void)stream_flush(&c->s);
		(void)stream_line(&c->s, REPLY_LINE, &line);
	}
	stream_free(&c->s);
	close(c->sock);
	c->sock = -1;
}
