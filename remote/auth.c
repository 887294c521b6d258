/* Contract in auth.h. */
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/net/sasl_client.h"
#include "lib/net/tls_client.h"
#include "remote/auth.h"
#include "remote/outcome.h"

#define PASSWORD_MAX	1024
/*
 * RFC 5321 4.5.3.1.4: a command line; what is longer waits for the host's
 * empty challenge.
 */
#define LINE_MAX_SENT	500

/* The first line, without its end.  0, or -1 with errno. */
static int
read_password(const char *path, char password[PASSWORD_MAX])
{
	struct stat	 st;
	ssize_t		 n;
	int		 fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return -1;
	n = -1;
	if (fstat(fd, &st) == 0) {
		errno = EINVAL;
		if (S_ISREG(st.st_mode))
			n = io_pread_full(fd, password, PASSWORD_MAX - 1, 0);
	}
	io_close(fd);
	if (n == -1)
		return -1;
	if (st.st_mode & 0007)
		log_warnx("event=password-file-open-to-all file=%s",
		    log_esc(path));
	password[n] = '\0';
	password[strcspn(password, "\r\n")] = '\0';
	return 0;
}

/* The text of a bound in out, for which out has room. */
static struct slice
binding(struct session *s, enum tls_binding what,
    unsigned char out[TLS_BINDING])
{
	struct slice	 b = { (const char *)out, 0 };

	if (tls_on(&s->smtp.s))
		b.len = tls_binding(&s->smtp.s, what, out);
	return b;
}

static struct sasl_client *
begin(struct session *s, struct remote_outcome *why)
{
	unsigned char			 exporter[TLS_BINDING];
	unsigned char			 unique[TLS_BINDING];
	char				 password[PASSWORD_MAX];
	const struct sasl_client_login	 login = { .user = s->open->user,
	    .password = password, .tls = tls_on(&s->smtp.s),
	    .exporter = binding(s, TLS_EXPORTER, exporter),
	    .unique = binding(s, TLS_UNIQUE, unique) };
	const char			*error;
	struct sasl_client		*c;

	if (read_password(s->open->password_file, password) == -1) {
		log_warn("event=password-file-unreadable file=%s",
		    log_esc(s->open->password_file));
		outcome_set(why, "4.3.5", "the password for %.200s cannot be "
		    "read here", session_peer(s));
		return NULL;
	}
	c = sasl_client_new(slice_str(s->smtp.features.auth), &login, &error);
	explicit_bzero(password, sizeof(password));
	if (c == NULL)
		outcome_set(why, "4.7.0", "no authentication with %.200s: %s",
		    session_peer(s), error);
	return c;
}

static void
send_line(struct session *s, const struct buf *b)
{
	stream_put(&s->smtp.s, b->ptr, b->len);
	stream_put(&s->smtp.s, "\r\n", 2);
}

/* Say AUTH, with the initial response where it fits.  0 or -1. */
static int
say_auth(struct session *s, struct sasl_client *c, struct buf *out,
    bool *held)
{
	enum sasl_client_status	 st = sasl_client_step(c, NULL, out);

	*held = false;
	if (st == SASL_CLIENT_FAILED)
		return -1;
	stream_printf(&s->smtp.s, "AUTH %s", sasl_client_mechanism(c));
	if (st == SASL_CLIENT_SEND) {
		*held = out->len > LINE_MAX_SENT;
		if (!*held)
			stream_put(&s->smtp.s, " ", 1);
		if (out->len == 0)
			stream_put(&s->smtp.s, "=", 1);
		else if (!*held) {
			send_line(s, out);
			return 0;
		}
	}
	stream_put(&s->smtp.s, "\r\n", 2);
	return 0;
}

static int
cancelled(struct session *s, const struct sasl_client *c,
    struct remote_outcome *why)
{
	outcome_set(why, "4.7.0", "no authentication with %.200s by %s: %s",
	    session_peer(s), sasl_client_mechanism(c), sasl_client_error(c));
	return -1;
}

/* One reply after the other, until it is a verdict. */
static int
converse(struct session *s, struct sasl_client *c, struct buf *out,
    struct remote_outcome *why)
{
	struct slice	 text;
	bool		 held;

	if (say_auth(s, c, out, &held) == -1)
		return cancelled(s, c, why);
	for (;;) {
		if (smtp_client_reply(&s->smtp) == -1) {
			outcome_set(why, "4.4.2", "no conversation with "
			    "%.200s at AUTH: %s", session_peer(s),
			    s->smtp.why);
			return -1;
		}
		if (s->smtp.reply.code != 334)
			return 0;
		text = slice_str(s->smtp.reply.text);
		if (held && text.len == 0)
			held = false;
		else if (sasl_client_step(c, &text, out) ==
		    SASL_CLIENT_FAILED) {
			stream_put(&s->smtp.s, "*\r\n", 3);
			(void)smtp_client_reply(&s->smtp);
			return cancelled(s, c, why);
		}
		send_line(s, out);
	}
}

int
auth_login(struct session *s, struct remote_outcome *why)
{
	struct sasl_client	*c;
	struct buf		 out;
	int			 n;

	if ((c = begin(s, why)) == NULL)
		return -1;
	buf_init(&out, SASL_CLIENT_OUT);
	n = converse(s, c, &out, why);
	if (out.ptr != NULL)
		explicit_bzero(out.ptr, out.size);
	buf_free(&out);
	if (n == 0) {
		session_log_reply(s, "AUTH");
		if (s->smtp.reply.code / 100 != 2) {
			outcome_of_reply(why, &s->smtp.reply);
			n = -1;
		} else if (!sasl_client_finished(c)) {
			outcome_set(why, "4.7.0", "%.200s accepted us without "
			    "knowing the password", session_peer(s));
			n = -1;
		}
	}
	sasl_client_free(c);
	return n;
}
