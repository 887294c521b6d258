/* The people's part of a report (contract in dsn_parts.h). */
#include <string.h>

#include "lib/base/text.h"
#include "lib/mail/date.h"
#include "lib/mail/dsn_parts.h"

#define COLUMNS		72
#define SHOWN		800	/* octets of an address */

/*
 * What a status code (RFC 3463 3) means to whoever wrote the letter; by its
 * subject and detail.  The first that fits; "" for any detail.
 */
static const struct {
	const char	*code;
	const char	*words;
} meanings[] = {
	{ ".1.1", "There is no such address. Is it spelled right?" },
	{ ".1.2", "The part after the @ names no place that takes mail. "
	    "Is it spelled right?" },
	{ ".1.3", "This is not a valid address. Is it spelled right?" },
	{ ".1.6", "The mailbox has moved, and left no new address." },
	{ ".1.10", "This domain takes no mail at all." },
	{ ".2.1", "The mailbox is closed at present." },
	{ ".2.2", "The mailbox is full." },
	{ ".2.3", "The message is larger than this mailbox may take." },
	{ ".3.1", "The other mail server has no room left." },
	{ ".3.4", "The message is larger than the other server takes." },
	{ ".4.1", "The other mail server did not answer." },
	{ ".4.2", "The connection to the other mail server broke." },
	{ ".4.3", "A service that finds the way for mail did not answer." },
	{ ".4.4", "No way to this domain was found." },
	{ ".4.6", "The message went round in circles. The people who run "
	    "the mail system there have to mend that." },
	{ ".4.7", "All tries failed until the time was up." },
	{ ".6.7", "The other mail server does not know addresses in this "
	    "script." },
	{ ".7.", "The mail server refused it by its own rules." },
};

static const char *
meaning(const char *status)
{
	size_t	 i, len;

	if (status[0] == '\0')
		return NULL;
	for (i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		len = strlen(meanings[i].code);
		if (strncmp(status + 1, meanings[i].code, len) == 0 &&
		    (meanings[i].code[len - 1] == '.' ||
		    status[1 + len] == '\0'))
			return meanings[i].words;
	}
	return NULL;
}

/* The text in lines of COLUMNS, broken at blanks, each after the indent. */
static int
wrap(struct buf *out, const char *indent, const char *text)
{
	size_t	 column = 0, len;
	int	 failed = 0;

	for (;;) {
		text += strspn(text, " ");
		if ((len = strcspn(text, " ")) == 0)
			break;
		if (column > 0 && column + 1 + len > COLUMNS) {
			failed |= buf_addstr(out, "\r\n");
			column = 0;
		}
		failed |= buf_addstr(out, column == 0 ? indent : " ");
		failed |= buf_add(out, text, len);
		column += (column == 0 ? strlen(indent) : 1) + len;
		text += len;
	}
	failed |= buf_addstr(out, "\r\n");
	return failed;
}

static int
wrap_clean(struct buf *out, const char *indent, const char *text, size_t max,
    bool utf8)
{
	struct buf	 b;
	int		 failed = 0;

	buf_init(&b, 4096);
	failed |= dsn_clean(&b, text, max, utf8);
	failed |= wrap(out, indent, buf_cstr(&b));
	buf_free(&b);
	return failed;
}

static int
add_opening(struct buf *out, const struct dsn_report *r)
{
	static const char *const	 end[] = {
		[DSN_FAILURE] = "could not be delivered to those named "
		    "below. It will not be tried again.",
		[DSN_DELAY] = "has not reached those named below yet. "
		    "You need not send it again: it is kept here and tried "
		    "again by itself.",
		[DSN_SUCCESS] = "has gone where you asked to be told of:",
	};
	char		 date[DATE_MAX];
	struct buf	 b;
	int		 failed = 0;

	date_format(r->arrived, date);
	buf_init(&b, 1024);
	failed |= buf_addf(&b, "Your message of %s %s", date, end[r->kind]);
	failed |= buf_addf(out, "This is the mail system at %s.\r\n\r\n",
	    r->hostname);
	failed |= wrap(out, "", buf_cstr(&b));
	buf_free(&b);
	return failed;
}

/* Who it is, and how it was written when that was otherwise. */
static int
add_name(struct buf *out, const struct dsn_rcpt *r, bool utf8)
{
	const char	*orig;
	int		 failed = 0;

	failed |= buf_addstr(out, "\r\n<");
	failed |= dsn_clean(out, r->address, SHOWN, utf8);
	failed |= buf_addstr(out, ">\r\n");
	if (r->orcpt == NULL)
		return failed;
	orig = dsn_bare_address(r->orcpt);
	if (strcasecmp(orig, r->address) == 0 || orig[0] == '\0')
		return failed;
	failed |= buf_addstr(out, "    (you wrote to <");
	failed |= dsn_clean(out, orig, SHOWN, utf8);
	failed |= buf_addstr(out, ">)\r\n");
	return failed;
}

static int
add_outcome(struct buf *out, const struct dsn_rcpt *r)
{
	const char	*words = NULL;

	switch (r->action) {
	case DSN_FAILED:
	case DSN_DELAYED:
		words = meaning(r->status);
		break;
	case DSN_DELIVERED:
		words = "Delivered.";
		break;
	case DSN_RELAYED:
		words = "Passed on to a mail server that will not tell "
		    "what becomes of it.";
		break;
	case DSN_EXPANDED:
		words = "Sent to everybody on this list; there will be no "
		    "word about each of them.";
		break;
	}
	return words == NULL ? 0 : wrap(out, "    ", words);
}

static int
add_rcpt(struct buf *out, const struct dsn_rcpt *r, bool utf8)
{
	char	 date[DATE_MAX];
	int	 failed = 0;

	failed |= add_name(out, r, utf8);
	failed |= add_outcome(out, r);
	if (r->text != NULL && r->text[0] != '\0') {
		if (r->remote != NULL && r->remote[0] != '\0') {
			failed |= buf_addstr(out, "    The mail server ");
			failed |= dsn_clean(out, r->remote, SHOWN, false);
			failed |= buf_addstr(out, " said:\r\n");
			failed |= wrap_clean(out, "        ", r->text,
			    DSN_TEXT_MAX, utf8);
		} else
			failed |= wrap_clean(out, "    ", r->text,
			    DSN_TEXT_MAX, utf8);
	}
	if (r->action == DSN_DELAYED && r->retry_until != 0) {
		date_format(r->retry_until, date);
		failed |= buf_addf(out, "    It will be tried until %s.\r\n",
		    date);
	}
	return failed;
}

static int
add_closing(struct buf *out, const struct dsn_report *r)
{
	struct buf	 b;
	int		 failed = 0;

	failed |= buf_addstr(out, "\r\n");
	if (r->kind == DSN_FAILURE && r->postmaster != NULL) {
		buf_init(&b, 4096);
		failed |= buf_addf(&b, "If you need help, write to <%s> and "
		    "enclose this report; the number of your message here "
		    "was %s.", r->postmaster, r->id);
		failed |= wrap(out, "", buf_cstr(&b));
		buf_free(&b);
	} else
		failed |= buf_addf(out, "The number of your message here "
		    "%s %s.\r\n", r->kind == DSN_DELAY ? "is" : "was", r->id);
	return failed;
}

int
dsn_add_words(struct buf *out, const struct dsn_report *r, bool utf8)
{
	size_t	 i;
	int	 failed = 0;

	failed |= add_opening(out, r);
	for (i = 0; i < r->nrcpts; i++)
		failed |= add_rcpt(out, &r->rcpts[i], utf8);
	failed |= add_closing(out, r);
	return failed;
}
