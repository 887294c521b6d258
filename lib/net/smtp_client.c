/* Contract in smtp_client.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/net/smtp_client.h"

#define BLOCK		16384		/* looked at for dots at once */
#define LAST_WORDS_MS	5000
#define ENVID_MAX	100		/* RFC 3461 4.4, as xtext */
#define ORCPT_MAX	500		/* RFC 3461 4.2 */

void
smtp_client_init(struct smtp_client *c)
{
	memset(c, 0, sizeof(*c));
}

void
smtp_client_start(struct smtp_client *c, int fd, int patience_ms)
{
	smtp_client_init(c);
	stream_init(&c->s, fd, fd, patience_ms, 0);
	/* Some hosts end lines with a lone LF; it cannot mislead us. */
	c->s.bare_lf_ok = true;
	c->patience_ms = patience_ms;
	c->on = true;
}

void
smtp_client_finish(struct smtp_client *c)
{
	if (c->on)
		stream_free(&c->s);
	c->on = false;
}

int
smtp_client_lose(struct smtp_client *c, const char *fmt, ...)
{
	va_list	 ap;

	if (c->lost)
		return -1;
	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	c->lost = true;
	return -1;
}

static int
broken(struct smtp_client *c, enum stream_status st)
{
	switch (st) {
	case STREAM_EOF:
		return smtp_client_lose(c, "it closed the connection");
	case STREAM_TIMEOUT:
		return smtp_client_lose(c, "it did not answer in time");
	case STREAM_TOOLONG:
	case STREAM_BARE:
		return smtp_client_lose(c, "it sent a malformed line (%s)",
		    stream_status_name(st));
	case STREAM_OK:
	case STREAM_ERROR:
	case STREAM_STOP:
		break;
	}
	if (errno == EMSGSIZE)
		return smtp_client_lose(c, "it sent a line without an end");
	if (errno == EPIPE)
		return smtp_client_lose(c, "it closed the connection");
	return smtp_client_lose(c, "%s", strerror(errno));
}

void
smtp_features_add(struct smtp_features *f, struct slice line)
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
		{ "STARTTLS", SMTP_EXT_STARTTLS },
		{ "CHUNKING", SMTP_EXT_CHUNKING },
		{ "AUTH", SMTP_EXT_AUTH },
	};
	struct slice	 word = { line.ptr, 0 }, rest;
	size_t		 i, n;

	/* "AUTH=LOGIN" is what some wrote before there was a standard. */
	while (word.len < line.len && line.ptr[word.len] != ' ' &&
	    line.ptr[word.len] != '=')
		word.len++;
	rest.ptr = line.ptr + word.len;
	rest.len = line.len - word.len;
	if (rest.len > 0) {
		rest.ptr++;
		rest.len--;
	}
	rest = text_trim(rest);
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_is(word, known[i].name))
			break;
	if (i == sizeof(known) / sizeof(known[0]))
		return;
	f->ext |= known[i].bit;
	n = strlen(f->auth);
	if (known[i].bit == SMTP_EXT_SIZE &&
	    text_u64(rest, UINT64_MAX, &f->size) == -1)
		f->size = 0;
	if (known[i].bit == SMTP_EXT_AUTH && rest.len > 0 &&
	    n + rest.len + 2 < sizeof(f->auth)) {
		if (n > 0)
			f->auth[n++] = ' ';
		memcpy(f->auth + n, rest.ptr, rest.len);
		f->auth[n + rest.len] = '\0';
	}
}

static int
read_lines(struct smtp_client *c, struct smtp_features *features)
{
	enum smtp_reply_status	 rs = SMTP_REPLY_MORE;
	enum stream_status	 st;
	struct slice		 line;
	int			 n;

	smtp_reply_init(&c->reply);
	for (n = 0; rs == SMTP_REPLY_MORE && n < SMTP_CLIENT_LINES; n++) {
		st = stream_line(&c->s, SMTP_CLIENT_LINE, &line);
		if (st != STREAM_OK)
			return broken(c, st);
		rs = smtp_reply_add(&c->reply, line);
		if (features != NULL && n > 0 && line.len > 4 &&
		    rs != SMTP_REPLY_BAD)
			smtp_features_add(features, (struct slice){
			    line.ptr + 4, line.len - 4 });
	}
	c->s.total = 0;
	if (rs == SMTP_REPLY_DONE)
		return 0;
	return smtp_client_lose(c, rs == SMTP_REPLY_MORE ?
	    "it sent a reply without an end" :
	    "it sent something that is no SMTP reply");
}

/*
 * Nothing can be sent any more: a host that has enough of a message says why
 * and closes.  What it said counts if it is a refusal.
 */
static int
last_words(struct smtp_client *c)
{
	c->s.dead = false;
	c->s.total = io_monotonic_ms() + LAST_WORDS_MS;
	if (read_lines(c, NULL) == -1)
		return -1;
	(void)smtp_client_lose(c, "it closed the connection");
	return c->reply.code >= 400 ? 0 : -1;
}

static int
read_reply(struct smtp_client *c, struct smtp_features *features)
{
	enum stream_status	 st;

	if (c->lost)
		return -1;
	stream_set_idle(&c->s, c->patience_ms);
	c->s.total = io_monotonic_ms() + c->patience_ms;
	/* Here, as a line read ahead is taken without waiting. */
	st = stream_flush(&c->s);
	if (st == STREAM_ERROR)
		return last_words(c);
	if (st != STREAM_OK)
		return broken(c, st);
	return read_lines(c, features);
}

int
smtp_client_reply(struct smtp_client *c)
{
	return read_reply(c, NULL);
}

int
smtp_client_hello(struct smtp_client *c, const char *verb, const char *name)
{
	struct smtp_features	 f = { 0 };

	stream_printf(&c->s, "%s %s\r\n", verb, name);
	if (read_reply(c, &f) == -1)
		return -1;
	if (c->reply.code / 100 != 2)
		memset(&f, 0, sizeof(f));
	c->features = f;
	return 0;
}

bool
smtp_client_clean(const char *s)
{
	for (; *s != '\0'; s++)
		if (text_is_control(*s))
			return false;
	return true;
}

/* " KEY=VALUE" in xtext; nothing when it would be too long to be legal. */
static void
put_xtext(struct smtp_client *c, const char *key, const char *prefix,
    struct slice value, size_t max, bool utf8)
{
	struct buf	 enc;

	buf_init(&enc, max);
	if (buf_addstr(&enc, prefix) == 0 &&
	    text_xencode(&enc, value, utf8) == 0)
		stream_printf(&c->s, " %s=%s", key, buf_cstr(&enc));
	buf_free(&enc);
}

void
smtp_client_put_mail(struct smtp_client *c, const struct smtp_mail *m)
{
	int	 ext = c->features.ext;

	stream_printf(&c->s, "MAIL FROM:<%s>", m->sender);
	if (m->size > 0 && (ext & SMTP_EXT_SIZE))
		stream_printf(&c->s, " SIZE=%llu",
		    (unsigned long long)m->size);
	if (m->eightbit && (ext & SMTP_EXT_8BITMIME))
		stream_printf(&c->s, " BODY=8BITMIME");
	if (m->utf8)
		stream_printf(&c->s, " SMTPUTF8");
	if (m->ret != NULL && (ext & SMTP_EXT_DSN))
		stream_printf(&c->s, " RET=%s", m->ret);
	if (m->envid != NULL && m->envid[0] != '\0' && (ext & SMTP_EXT_DSN))
		put_xtext(c, "ENVID", "", slice_str(m->envid), ENVID_MAX,
		    false);
	stream_put(&c->s, "\r\n", 2);
}

/* RFC 3461 4.2: the type stands plain before the first semicolon. */
static void
put_orcpt(struct smtp_client *c, const struct smtp_rcpt *r)
{
	const char	*semi = strchr(r->orcpt, ';');
	char		 type[32];
	size_t		 n = semi == NULL ? 0 : (size_t)(semi - r->orcpt) + 1;

	if (n < 2 || n >= sizeof(type))
		return;
	memcpy(type, r->orcpt, n);
	type[n] = '\0';
	put_xtext(c, "ORCPT", type, slice_str(semi + 1), ORCPT_MAX, r->utf8);
}

void
smtp_client_put_rcpt(struct smtp_client *c, const struct smtp_rcpt *r)
{
	stream_printf(&c->s, "RCPT TO:<%s>", r->address);
	if (r->notify != NULL && (c->features.ext & SMTP_EXT_DSN))
		stream_printf(&c->s, " NOTIFY=%s", r->notify);
	if (r->orcpt != NULL && (c->features.ext & SMTP_EXT_DSN))
		put_orcpt(c, r);
	stream_put(&c->s, "\r\n", 2);
}

void
smtp_client_begin(struct smtp_client *c)
{
	c->last = '\n';
}

/* In runs: most mail has no line that starts with a dot. */
static void
put_block(struct smtp_client *c, const char *p, size_t len)
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
smtp_client_put(struct smtp_client *c, struct slice data)
{
	size_t	 n;

	for (; data.len > 0; data.ptr += n, data.len -= n) {
		n = data.len < BLOCK ? data.len : BLOCK;
		put_block(c, data.ptr, n);
	}
}

void
smtp_client_end(struct smtp_client *c)
{
	if (c->last != '\n')
		stream_put(&c->s, "\r\n", 2);
	stream_put(&c->s, ".\r\n", 3);
}
