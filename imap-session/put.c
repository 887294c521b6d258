/*
 * Contract in command.h.  Responses of a mailbox with a million messages go
 * through here, so nothing is formatted by printf(3).
 */
#include <string.h>

#include "imap-session/command.h"
#include "lib/mail/imap_string.h"
#include "lib/mail/mailbox_name.h"

#define ROOM		4096	/* what imap_string_add() may need at once */

/* Room in the output for what is written into it without stream_put(). */
static struct buf *
put_room(struct session *s, size_t len)
{
	if (s->s.out.max - s->s.out.len < len)
		stream_flush(&s->s);
	return &s->s.out;
}

static void
put_text(struct session *s, const char *text)
{
	stream_put(&s->s, text, strlen(text));
}

void
put_number(struct session *s, uint64_t v)
{
	char	 digits[20], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	stream_put(&s->s, p, (size_t)(digits + sizeof(digits) - p));
}

/* A long one: a literal, without NULs (RFC 9051 9, CHAR8). */
static void
put_literal(struct session *s, struct slice text)
{
	const char	*nul;
	size_t		 n;

	put_text(s, "{");
	put_number(s, text.len);
	put_text(s, "}\r\n");
	while (text.len > 0) {
		nul = memchr(text.ptr, '\0', text.len);
		n = nul == NULL ? text.len : (size_t)(nul - text.ptr);
		stream_put(&s->s, text.ptr, n);
		if (nul != NULL) {
			put_text(s, "?");
			n++;
		}
		text.ptr += n;
		text.len -= n;
	}
}

void
put_string(struct session *s, struct slice text)
{
	if (text.len > ROOM / 2 - 32)
		put_literal(s, text);
	else if (imap_string_add(put_room(s, ROOM), text) == -1)
		s->s.dead = true;
}

void
put_nstring(struct session *s, struct slice text)
{
	if (text.ptr == NULL)
		put_text(s, "NIL");
	else
		put_string(s, text);
}

void
put_mailbox(struct session *s, struct slice name)
{
	/* Modified UTF-7 takes at most 8 octets for 3. */
	if (mailbox_name_put(put_room(s, 4 * MAILBOX_NAME_MAX), name,
	    session_utf8(s)) == -1)
		s->s.dead = true;
}

void
put_set(struct session *s, const struct number_set *set)
{
	size_t	 i;

	for (i = 0; i < set->n; i++) {
		if (i > 0)
			put_text(s, ",");
		put_number(s, set->range[i].first);
		if (set->range[i].last != set->range[i].first) {
			put_text(s, ":");
			put_number(s, set->range[i].last);
		}
	}
}

static const struct {
	uint32_t	 flag;
	const char	*name;
} flags[] = {
	{ LETTER_ANSWERED, "\\Answered" },
	{ LETTER_FLAGGED, "\\Flagged" },
	{ LETTER_DELETED, "\\Deleted" },
	{ LETTER_SEEN, "\\Seen" },
	{ LETTER_DRAFT, "\\Draft" },
	{ LETTER_PASSED, "$Forwarded" },
};

static void
flag_add(struct buf *out, const char *name)
{
	/* Names are bounded by command_flags(), so this always fits. */
	if (out->len > 1)
		buf_addc(out, ' ');
	buf_addstr(out, name);
}

static void
put_flags_make(struct session *s, uint32_t system, uint32_t keywords,
    bool recent)
{
	struct buf	*out = &s->put.text;
	const char	*name;
	unsigned int	 i;

	buf_clear(out);
	buf_addc(out, '(');
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (system & flags[i].flag)
			flag_add(out, flags[i].name);
	if (recent)
		flag_add(out, "\\Recent");
	for (i = 0; i < ACCOUNT_KEYWORDS; i++)
		if ((keywords & 1u << i) && (name =
		    account_keyword_name(&s->account, i)) != NULL)
			flag_add(out, name);
	buf_addc(out, ')');
	s->put.flags = system;
	s->put.keywords = keywords;
	s->put.recent = recent;
	s->put.valid = true;
}

/* Neighbours are mostly alike: the last text is kept for the next letter. */
struct slice
put_flags_text(struct session *s, const struct letter *l)
{
	bool	 recent;

	recent = !(s->enabled & ENABLED_REV2) && s->view.recent != 0 &&
	    l->uid >= s->view.recent;
	if (!s->put.valid || s->put.flags != l->flags ||
	    s->put.keywords != l->keywords || s->put.recent != recent)
		put_flags_make(s, l->flags, l->keywords, recent);
	return buf_slice(&s->put.text);
}

void
put_flags(struct session *s, const struct letter *l)
{
	struct slice	 text = put_flags_text(s, l);

	stream_put(&s->s, text.ptr, text.len);
}

static void
two_digits(char *p, unsigned int v)
{
	p[0] = (char)('0' + v / 10);
	p[1] = (char)('0' + v % 10);
}

/*
 * In UTC: where the server stands is nobody's business.  The day is counted
 * from 1 March 0000, so that leap days come last in a year.
 */
void
put_date_time_text(int64_t when, char text[PUT_DATE_TIME])
{
	static const char	 months[] =
	    "MarAprMayJunJulAugSepOctNovDecJanFeb";
	int64_t			 day, era;
	uint32_t		 second, doe, yoe, doy, mp, year;

	if (when < -INT64_C(62135596800) || when > INT64_C(253402300799))
		when = 0;	/* not a year of four digits */
	day = when / 86400 - (when % 86400 < 0);
	second = (uint32_t)(when - day * 86400);
	memcpy(text, "\"01-Jan-1970 00:00:00 +0000\"", PUT_DATE_TIME);
	day += 719468;
	era = day / 146097;
	doe = (uint32_t)(day - era * 146097);
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	year = (uint32_t)(yoe + era * 400) + (mp >= 10);
	two_digits(text + 1, doy - (153 * mp + 2) / 5 + 1);
	if (text[1] == '0')
		text[1] = ' ';		/* date-day-fixed */
	memcpy(text + 4, months + 3 * mp, 3);
	two_digits(text + 8, year / 100);
	two_digits(text + 10, year % 100);
	two_digits(text + 13, second / 3600);
	two_digits(text + 16, second / 60 % 60);
	two_digits(text + 19, second % 60);
}

void
put_date_time(struct session *s, int64_t when)
{
	char	 text[PUT_DATE_TIME];

	put_date_time_text(when, text);
	stream_put(&s->s, text, sizeof(text));
}

void
put_mailbox_id(struct session *s, uint32_t validity)
{
	put_text(s, "MAILBOXID (F");
	put_number(s, validity);
	put_text(s, ")");
}
