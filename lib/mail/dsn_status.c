/* The machine's part of a report, RFC 3464 2 (contract in dsn_parts.h). */
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/mail/date.h"
#include "lib/mail/dsn_parts.h"
#include "lib/mail/header.h"

#define WORD_MAX	300
#define NAME_MAX_SHOWN	800	/* octets of an address or host */

static const char *const	 actions[] = {
	[DSN_FAILED] = "failed",
	[DSN_DELAYED] = "delayed",
	[DSN_DELIVERED] = "delivered",
	[DSN_RELAYED] = "relayed",
	[DSN_EXPANDED] = "expanded",
};

static bool
is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

int
dsn_clean(struct buf *out, const char *text, size_t max, bool utf8)
{
	struct slice	 s = slice_str(text);
	size_t		 i, run = 0, start = out->len;
	bool		 c1;
	int		 failed = 0;
	char		 c;

	utf8 = utf8 && text_is_utf8(s);
	for (i = 0; i < s.len; i++) {
		c = s.ptr[i];
		c1 = (unsigned char)c == 0xc2 && i + 1 < s.len &&
		    (unsigned char)s.ptr[i + 1] < 0xa0;
		if (text_is_control(c) || c == ' ' || (utf8 && c1)) {
			i += utf8 && c1;
			run = 0;
			if (out->len > start &&
			    out->ptr[out->len - 1] != ' ')
				failed |= buf_addc(out, ' ');
			continue;
		}
		if ((unsigned char)c >= 0x80 && !utf8)
			c = '?';
		if (!is_continuation(c)) {
			if (out->len - start >= max) {
				failed |= buf_addstr(out, "...");
				break;
			}
			if (run >= WORD_MAX) {
				failed |= buf_addc(out, ' ');
				run = 0;
			}
		}
		failed |= buf_addc(out, c);
		run++;
	}
	return failed;
}

const char *
dsn_bare_address(const char *s)
{
	const char	*semicolon = strchr(s, ';');

	return semicolon == NULL ? s : semicolon + 1;
}

/* NAME: PREFIX TEXT, folded. */
static int
add_field(struct buf *out, const char *name, const char *prefix,
    const char *text, size_t max, bool utf8)
{
	struct buf	 b;
	int		 failed = 0;

	buf_init(&b, 4096);
	failed |= buf_addstr(&b, prefix);
	failed |= dsn_clean(&b, text, max, utf8);
	failed |= header_add(out, name, buf_cstr(&b), false);
	buf_free(&b);
	return failed;
}

static int
add_date(struct buf *out, const char *name, time_t t)
{
	char	 date[DATE_MAX];

	if (t == 0)
		return 0;
	date_format(t, date);
	return header_add(out, name, date, false);
}

/*
 * RFC 6533 3: a UTF-8 address has the type "utf-8".  Original-Recipient keeps
 * the type it came with.
 */
static int
add_recipient(struct buf *out, const char *name, const char *address,
    bool utf8)
{
	const char	*type = "";

	if (strchr(address, ';') == NULL || address[0] == '"')
		type = text_is_ascii(slice_str(address)) ? "rfc822; " : "utf-8; ";
	return add_field(out, name, type, address, NAME_MAX_SHOWN, utf8);
}

static bool
is_status(const char *s)
{
	size_t	 digits, part;

	if ((s[0] != '2' && s[0] != '4' && s[0] != '5') || s[1] != '.')
		return false;
	s += 2;
	for (part = 0; part < 2; part++) {
		for (digits = 0; text_is_digit(*s); s++)
			digits++;
		if (digits < 1 || digits > 3)
			return false;
		if (part == 0 && *s++ != '.')
			return false;
	}
	return *s == '\0';
}

static const char *
status_or_general(const struct dsn_rcpt *r)
{
	if (is_status(r->status))
		return r->status;
	return r->action == DSN_FAILED ? "5.0.0" :
	    r->action == DSN_DELAYED ? "4.0.0" : "2.0.0";
}

static int
add_rcpt(struct buf *out, const struct dsn_rcpt *r, bool utf8)
{
	bool	 remote = r->remote != NULL && r->remote[0] != '\0';
	int	 failed = 0;

	failed |= buf_addstr(out, "\r\n");
	if (r->orcpt != NULL && r->orcpt[0] != '\0')
		failed |= add_recipient(out, "Original-Recipient", r->orcpt,
		    utf8);
	failed |= add_recipient(out, "Final-Recipient", r->address, utf8);
	failed |= buf_addf(out, "Action: %s\r\nStatus: %s\r\n",
	    actions[r->action], status_or_general(r));
	if (remote)
		failed |= add_field(out, "Remote-MTA", "dns; ", r->remote,
		    NAME_MAX_SHOWN, false);
	if (r->text != NULL && r->text[0] != '\0')
		failed |= add_field(out, "Diagnostic-Code",
		    remote ? "smtp; " : "x-merpati; ", r->text, DSN_TEXT_MAX,
		    utf8);
	failed |= add_date(out, "Last-Attempt-Date", r->last_attempt);
	if (r->action == DSN_DELAYED)
		failed |= add_date(out, "Will-Retry-Until", r->retry_until);
	return failed;
}

int
dsn_add_status(struct buf *out, const struct dsn_report *r, bool utf8)
{
	size_t	 i;
	int	 failed = 0;

	if (r->envid != NULL && r->envid[0] != '\0')
		failed |= add_field(out, "Original-Envelope-Id", "", r->envid,
		    NAME_MAX_SHOWN, false);
	failed |= add_field(out, "Reporting-MTA", "dns; ", r->hostname,
	    NAME_MAX_SHOWN, false);
	failed |= add_date(out, "Arrival-Date", r->arrived);
	for (i = 0; i < r->nrcpts; i++)
		failed |= add_rcpt(out, &r->rcpts[i], utf8);
	return failed;
}

void
dsn_status_of(const char *reply, char out[10])
{
	const char	*s = reply;
	char		 code[10];
	size_t		 n;

	snprintf(out, 10, "%c.0.0", reply[0] == '2' || reply[0] == '5' ?
	    reply[0] : '4');
	for (n = 0; n < 3; n++, s++)
		if (!text_is_digit(*s))
			return;
	if (*s != ' ' && *s != '-')
		return;
	s++;
	for (n = 0; n < sizeof(code) - 1 && (text_is_digit(s[n]) ||
	    s[n] == '.'); n++)
		code[n] = s[n];
	code[n] = '\0';
	/* RFC 2034 4: both say the same class, or the code is nonsense. */
	if (is_status(code) && code[0] == out[0] &&
	    (s[n] == ' ' || s[n] == '\0' || s[n] == '\r'))
		memcpy(out, code, n + 1);
}
