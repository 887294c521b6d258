/* Contract in reply.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "smtpd/reply.h"
#include "smtpd/transaction.h"

#define LINE_OCTETS	512	/* RFC 5321 4.5.3.1.5 */
#define STATUS_MAX	12

static void
put_line(struct session *s, int code, char sep, const char *enhanced,
    const char *fmt, va_list ap)
{
	char	 line[LINE_OCTETS + 1];
	size_t	 room = sizeof(line) - 2;	/* for CRLF, over the NUL */
	int	 len, n;

	len = snprintf(line, room, "%03d%c%s%s", code, sep,
	    enhanced == NULL ? "" : enhanced, enhanced == NULL ? "" : " ");
	n = vsnprintf(line + len, room - (size_t)len, fmt, ap);
	if (n > 0)
		len += n;
	if ((size_t)len > room - 1) {
		len = (int)room - 1;
		/* An address may be UTF-8: leave no part of a character. */
		while ((line[len - 1] & 0xc0) == 0x80)
			len--;
		if (line[len - 1] & 0x80)
			len--;
	}
	memcpy(line + len, "\r\n", 2);
	stream_put(&s->stream, line, (size_t)len + 2);
}

void
reply(struct session *s, int code, const char *enhanced, const char *fmt, ...)
{
	va_list	 ap;

	if (code >= 500)
		s->errors++;
	va_start(ap, fmt);
	put_line(s, code, ' ', enhanced, fmt, ap);
	va_end(ap);
}

void
reply_more(struct session *s, int code, const char *enhanced, const char *fmt,
    ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	put_line(s, code, '-', enhanced, fmt, ap);
	va_end(ap);
}

void
reply_error(struct session *s, const struct command_error *err)
{
	reply(s, err->code, err->enhanced, "%s", err->text);
}

/* soft-bounce: what would be refused for ever is refused for now. */
static int
soften(const struct session *s, int code, const char *enhanced,
    char out[STATUS_MAX])
{
	snprintf(out, STATUS_MAX, "%s", enhanced);
	if (!s->config->soft_bounce || code < 500)
		return code;
	out[0] = '4';
	return code - 100;
}

static void
log_refused(const struct session *s, const char *stage, const char *to,
    int code, const char *enhanced, const char *text)
{
	log_info("event=refused stage=%s code=%d status=%s client=%s helo=%s "
	    "from=%s to=%s text=%s%s%s", stage, code, enhanced,
	    log_esc(s->client), log_esc(s->helo), s->tx.mail ?
	    log_esc(s->tx.env.from) : "-", log_esc(to), log_esc(text),
	    s->user[0] == '\0' ? "" : " user=",
	    s->user[0] == '\0' ? "" : log_esc(s->user));
}

void
reply_refuse(struct session *s, const char *stage, const struct address *to,
    int code, const char *enhanced, const char *fmt, ...)
{
	char		 text[LINE_OCTETS], status[STATUS_MAX];
	unsigned int	 errors;
	va_list		 ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Full mailboxes and long lists are nobody's error. */
	errors = s->errors + (code != 452);
	code = soften(s, code, enhanced, status);
	log_refused(s, stage, to == NULL ? "-" : to->text, code, status,
	    text);
	reply(s, code, status, "%s", text);
	s->errors = errors;
}

bool
reply_access(struct session *s, const struct address *who, bool recipient,
    bool *discard)
{
	struct access		*list = recipient ? s->server->recipient :
				    s->server->sender;
	const char		*text;
	enum access_action	 action;
	bool			 no;

	access_refresh(list);
	action = access_address(list, who, &text);
	*discard = action == ACCESS_DISCARD;
	no = action == ACCESS_REFUSE;
	if (!no && action != ACCESS_DEFER)
		return false;
	if (text != NULL)
		reply_refuse(s, recipient ? "rcpt" : "mail",
		    recipient ? who : NULL, no ? 550 : 450,
		    no ? "5.7.1" : "4.7.1", "<%s>: %s", who->text, text);
	else
		reply_refuse(s, recipient ? "rcpt" : "mail",
		    recipient ? who : NULL, no ? 550 : 450,
		    no ? "5.7.1" : "4.7.1", "<%s>: this server takes no mail "
		    "%s%s", who->text, recipient ? "for this recipient" :
		    "from this sender", no ? "" : " now");
	return true;
}

void
reply_message(struct session *s, int code, const char *enhanced,
    const char *text)
{
	unsigned int	 errors = s->errors + (code >= 500);
	size_t		 n = 1;

	if (s->role == ROLE_LMTP && !s->tx.partial)
		n = transaction_rcpts(&s->tx);
	while (n-- > 0)
		reply(s, code, enhanced, "%s", text);
	s->errors = errors;	/* one message, one error */
}

void
reply_refuse_message(struct session *s, int code, const char *enhanced,
    const char *text)
{
	char	 status[STATUS_MAX];

	code = soften(s, code, enhanced, status);
	log_refused(s, "data", s->tx.env.nrcpts > 0 ?
	    s->tx.env.rcpts[0].address : "-", code, status, text);
	reply_message(s, code, status, text);
}
