/* Contract in received.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/mail/address.h"
#include "lib/mail/date.h"
#include "lib/mail/received.h"

#define COMMENT_MAX	100	/* octets shown of what a stranger said */

static bool
is_domain(const char *s)
{
	return address_is_domain(slice_str(s), false);
}

/*
 * What a stranger said, inside a comment (RFC 5322 3.2.2): nothing in it ends
 * the comment or the line.
 */
static void
add_ctext(struct buf *b, const char *s, int *failed)
{
	size_t	 i;
	char	 c;

	for (i = 0; s[i] != '\0' && i < COMMENT_MAX; i++) {
		c = s[i];
		if (text_is_control(c) || (unsigned char)c >= 0x80)
			c = '?';
		if (c == '(' || c == ')' || c == '\\')
			*failed |= buf_addc(b, '\\');
		*failed |= buf_addc(b, c);
	}
	if (s[i] != '\0')
		*failed |= buf_addstr(b, "...");
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]", "" when there is none. */
static void
make_literal(const char *ip, char *out, size_t size)
{
	int	 n;

	out[0] = '\0';
	if (ip[0] == '\0')
		return;
	n = snprintf(out, size, "[%s%s]",
	    strchr(ip, ':') != NULL ? "IPv6:" : "", ip);
	if (n < 0 || (size_t)n >= size || !address_is_literal(slice_str(out)))
		out[0] = '\0';
}

/*
 * RFC 5321 4.4 From-domain: what the client called itself when that is a
 * name at all, else its address; then what we know.
 */
static int
add_from(struct buf *b, const struct received *r)
{
	char		 literal[64];
	const char	*name;
	int		 failed = 0;

	if (r->hide_client)
		return buf_addstr(b, "from client.invalid"
		    " (address withheld)\r\n\t");
	make_literal(r->client_address, literal, sizeof(literal));
	name = is_domain(r->helo) ? r->helo :
	    literal[0] != '\0' ? literal : "unknown";
	failed |= buf_addf(b, "from %s", name);
	if (name != r->helo && r->helo[0] != '\0') {
		failed |= buf_addstr(b, " (said ");
		add_ctext(b, r->helo, &failed);
		failed |= buf_addc(b, ')');
	}
	if (is_domain(r->client_name))
		failed |= buf_addf(b, " (%s%s%s)", r->client_name,
		    literal[0] != '\0' ? " " : "", literal);
	else if (literal[0] != '\0')
		failed |= buf_addf(b, " (%s)", literal);
	failed |= buf_addstr(b, "\r\n\t");
	return failed;
}

static int
add_all(struct buf *b, const struct received *r)
{
	char	 date[DATE_MAX];
	int	 failed = 0;

	failed |= buf_addstr(b, "Received: ");
	if (r->uid == -1)
		failed |= add_from(b, r);
	failed |= buf_addf(b, "by %s (Merpati", r->by);
	if (r->uid != -1)
		failed |= buf_addf(b, ", from uid %ld", r->uid);
	failed |= buf_addf(b, ") with %s", r->with);
	if (r->tls != NULL) {
		failed |= buf_addstr(b, " (");
		add_ctext(b, r->tls, &failed);
		failed |= buf_addstr(b, ")\r\n\t");
	} else
		failed |= buf_addc(b, ' ');
	failed |= buf_addf(b, "id %s", r->id);
	if (r->recipient != NULL)
		failed |= buf_addf(b, "\r\n\tfor <%s>", r->recipient);
	if (r->envelope_from != NULL) {
		failed |= buf_addstr(b, "\r\n\t(envelope-from <");
		add_ctext(b, r->envelope_from, &failed);
		failed |= buf_addstr(b, ">)");
	}
	date_format(r->when, date);
	failed |= buf_addf(b, ";\r\n\t%s\r\n", date);
	return failed;
}

int
received_add(struct buf *out, const struct received *r)
{
	size_t	 before = out->len;

	if (add_all(out, r) == 0)
		return 0;
	buf_cut(out, before);
	errno = EMSGSIZE;
	return -1;
}
