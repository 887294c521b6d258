/* Contract in smtp_submit.h. */
#include <sys/socket.h>
#include <sys/un.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/net/smtp_submit.h"

#define TIMEOUT_MS	(5 * 60 * 1000)	/* RFC 5321 4.5.3.2 */
#define DOT_TIMEOUT_MS	(10 * 60 * 1000) /* RFC 5321 4.5.3.2.6 */
#define QUIT_TIMEOUT_MS	2000

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
	struct sockaddr_un	 sun;
	int			 sock;

	if (io_unix_address(path, &sun) == -1 ||
	    (sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
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

/* No answer came: say so in the reply. */
static int
broken(struct smtp_submit *c)
{
	c->idle = false;
	smtp_reply_set(&c->smtp.reply, 451, "4.4.2",
	    "the conversation with smtpd broke off: %s", c->smtp.why);
	return -1;
}

/* The reply at hand is of the class (2, 3) wanted, or -1. */
static int
judge(struct smtp_submit *c, int class)
{
	if (c->smtp.reply.code / 100 == class)
		return 0;
	if (c->smtp.reply.code < 400)
		smtp_reply_set(&c->smtp.reply, 451, "4.5.0",
		    "smtpd's answer makes no sense here");
	return -1;
}

static int
expect(struct smtp_submit *c, int class)
{
	if (smtp_client_reply(&c->smtp) == -1)
		return broken(c);
	return judge(c, class);
}

int
smtp_submit_open(struct smtp_submit *c, const char *path, const char *helo)
{
	smtp_submit_init(c);
	if ((c->sock = smtp_submit_connect(path)) == -1) {
		smtp_reply_set(&c->smtp.reply, 451, "4.3.2",
		    "smtpd cannot be reached at %s: %s", path,
		    strerror(errno));
		return -1;
	}
	smtp_client_start(&c->smtp, c->sock, TIMEOUT_MS);
	if (expect(c, 2) == -1)
		return -1;
	if (smtp_client_hello(&c->smtp, "EHLO", helo) == -1)
		return broken(c);
	if (judge(c, 2) == -1)
		return -1;
	c->idle = true;
	return 0;
}

static int
refuse_here(struct smtp_submit *c, int code, const char *enhanced,
    const char *text)
{
	c->idle = false;
	smtp_reply_set(&c->smtp.reply, code, enhanced, "%s", text);
	return -1;
}

static int
put_mail(struct smtp_submit *c, const struct smtp_envelope *e)
{
	struct smtp_mail	 m = { .sender = e->sender, .size = e->size,
	    .eightbit = e->eightbit, .utf8 = e->utf8, .ret = e->ret,
	    .envid = e->envid };

	if (!smtp_client_clean(e->sender))
		return refuse_here(c, 501, "5.1.7", "bad sender address");
	if (e->utf8 && !(c->smtp.features.ext & SMTP_EXT_SMTPUTF8))
		return refuse_here(c, 550, "5.6.7",
		    "smtpd takes no internationalised mail");
	smtp_client_put_mail(&c->smtp, &m);
	return 0;
}

static void
put_rcpt(struct smtp_submit *c, const struct smtp_envelope *e,
    const char *rcpt)
{
	struct smtp_rcpt	 r = { .address = rcpt, .notify = e->notify };

	smtp_client_put_rcpt(&c->smtp, &r);
}

/* MAIL was refused: read the answers of the RCPTs behind it, keep its own. */
static int
drain(struct smtp_submit *c, size_t n)
{
	struct smtp_reply	 first = c->smtp.reply;

	while (n-- > 0 && smtp_client_reply(&c->smtp) == 0)
		;
	c->smtp.reply = first;
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
		if (!smtp_client_clean(e->rcpt[sent]))
			return refuse_here(c, 501, "5.1.3",
			    "bad recipient address");
	if (put_mail(c, e) == -1)
		return -1;
	mail = true;
	batch = SMTP_CLIENT_BATCH;
	if (!(c->smtp.features.ext & SMTP_EXT_PIPELINING)) {
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
				refused(e->rcpt[got], &c->smtp.reply, arg);
			if (worst.code / 100 != 4)
				worst = c->smtp.reply;
			if (c->smtp.lost || c->smtp.reply.code == 421)
				return -1;
		}
	}
	if (worst.code == 0)
		return 0;
	c->smtp.reply = worst;
	return -1;
}

int
smtp_submit_reset(struct smtp_submit *c)
{
	if (c->smtp.lost)
		return -1;
	stream_put(&c->smtp.s, "RSET\r\n", 6);
	if (expect(c, 2) == -1)
		return -1;
	c->idle = true;
	return 0;
}

int
smtp_submit_data(struct smtp_submit *c)
{
	c->idle = false;
	stream_put(&c->smtp.s, "DATA\r\n", 6);
	smtp_client_begin(&c->smtp);
	return expect(c, 3);
}

void
smtp_submit_put(struct smtp_submit *c, struct slice data)
{
	smtp_client_put(&c->smtp, data);
}

/* "queued as ID", wherever it stands in the text. */
static void
note_id(struct smtp_submit *c)
{
	static const char	 mark[] = "queued as ";
	const char		*p;
	size_t			 n;

	c->id[0] = '\0';
	if ((p = strcasestr(c->smtp.reply.text, mark)) == NULL)
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
	if (stream_flush(&c->smtp.s) == STREAM_OK)
		return 0;
	(void)smtp_client_lose(&c->smtp, "it takes nothing any more");
	return broken(c);
}

int
smtp_submit_end(struct smtp_submit *c)
{
	int	 n;

	smtp_client_end(&c->smtp);
	c->smtp.patience_ms = DOT_TIMEOUT_MS;
	n = expect(c, 2);
	c->smtp.patience_ms = TIMEOUT_MS;
	if (n == -1)
		return -1;
	note_id(c);
	c->idle = true;
	return 0;
}

void
smtp_submit_close(struct smtp_submit *c)
{
	if (c->sock == -1)
		return;
	if (c->idle) {
		c->smtp.patience_ms = QUIT_TIMEOUT_MS;
		stream_put(&c->smtp.s, "QUIT\r\n", 6);
		(void)smtp_client_reply(&c->smtp);
	}
	smtp_client_finish(&c->smtp);
	close(c->sock);
	c->sock = -1;
}
