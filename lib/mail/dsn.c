/* A report put together (contract in dsn.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/mail/date.h"
#include "lib/mail/dsn_parts.h"
#include "lib/mail/header.h"

#define LINE_LIMIT	998	/* RFC 5322 2.1.1, without CRLF */
#define MSGID_MAX	500	/* octets of the original's that we repeat */
#define BOUNDARY_MAX	70	/* RFC 2046 5.1.1 */

/* The header section: whole fields, at most max octets. */
static struct slice
header_section(struct slice msg, size_t max)
{
	struct header_field	 f;
	struct slice		 s = { msg.ptr, 0 };
	size_t			 pos = 0;

	while (header_next(msg, &pos, &f)) {
		/* A field cut off by the caller, or a monstrous one. */
		if (pos > max || f.whole.ptr[f.whole.len - 1] != '\n')
			break;
		s.len = pos;
	}
	return s;
}

/* May it travel as it is: no line too long for SMTP, no NUL? */
static bool
is_mailable(struct slice s)
{
	const char	*lf;
	size_t		 line;

	if (s.len > 0 && memchr(s.ptr, '\0', s.len) != NULL)
		return false;
	while (s.len > 0) {
		lf = memchr(s.ptr, '\n', s.len);
		line = lf == NULL ? s.len : (size_t)(lf - s.ptr) + 1;
		if (line > LINE_LIMIT + 2)
			return false;
		s.ptr += line;
		s.len -= line;
	}
	return true;
}

bool
dsn_is_utf8(const struct dsn_report *r)
{
	size_t	 i;

	if (!text_is_ascii(slice_str(r->from)))
		return true;
	for (i = 0; i < r->nrcpts; i++) {
		if (!text_is_ascii(slice_str(r->rcpts[i].address)))
			return true;
		if (r->rcpts[i].orcpt != NULL &&
		    !text_is_ascii(slice_str(r->rcpts[i].orcpt)))
			return true;
	}
	return r->utf8 &&
	    !text_is_ascii(header_section(r->original, DSN_HEADER_MAX));
}

/* What the report is made of, decided once. */
struct plan {
	const struct dsn_report	*r;
	struct slice		 original;	/* what goes back of it */
	bool			 full;
	bool			 utf8;
	bool			 eightbit;	/* the original's part is */
	char			 boundary[BOUNDARY_MAX + 1];
};

/*
 * The header, less any field that cannot travel; so it may be empty, which
 * is a valid part too.
 */
static struct slice
mailable_header(struct slice msg)
{
	struct slice	 s = header_section(msg, DSN_HEADER_MAX);

	if (!is_mailable(s))
		s.len = 0;
	return s;
}

/* Nobody knew the report's id when the original was written; be sure yet. */
static void
choose_boundary(struct plan *p)
{
	unsigned int	 i;

	for (i = 0; i < 1000; i++) {
		snprintf(p->boundary, sizeof(p->boundary), "report.%.40s.%u",
		    p->r->report_id, i);
		if (p->original.len == 0 || memmem(p->original.ptr,
		    p->original.len, p->boundary, strlen(p->boundary)) == NULL)
			return;
	}
	p->original.len = 0;
}

static void
make_plan(struct plan *p, const struct dsn_report *r)
{
	p->r = r;
	p->utf8 = dsn_is_utf8(r);
	p->full = r->kind == DSN_FAILURE && r->full && r->whole &&
	    r->original.len <= DSN_ORIGINAL_MAX && is_mailable(r->original);
	p->original = p->full ? r->original : mailable_header(r->original);
	choose_boundary(p);
	p->eightbit = !text_is_ascii(p->original);
}

/* Answer the original in its thread, when its id is one. */
static int
add_reference(struct buf *out, struct slice original)
{
	struct header_field	 f;
	struct buf		 b;
	size_t			 i;
	int			 failed = 0;
	bool			 ok;

	if (!header_find(original, "Message-ID", &f))
		return 0;
	buf_init(&b, MSGID_MAX);
	ok = header_unfold(f.value, &b) == 0 && b.len > 2 &&
	    b.ptr[0] == '<' && b.ptr[b.len - 1] == '>';
	for (i = 0; ok && i < b.len; i++)
		if (b.ptr[i] <= ' ' || b.ptr[i] >= 0x7f)
			ok = false;
	if (ok)
		failed = buf_addf(out, "In-Reply-To: %s\r\n"
		    "References: %s\r\n", buf_cstr(&b), buf_cstr(&b));
	buf_free(&b);
	return failed;
}

static int
add_subject(struct buf *out, const struct dsn_report *r)
{
	static const char *const	 what[] = {
		[DSN_FAILURE] = "Not delivered",
		[DSN_DELAY] = "Not delivered yet",
		[DSN_SUCCESS] = "Delivered",
	};
	struct buf	 b;
	int		 failed = 0;

	buf_init(&b, 4096);
	failed |= buf_addf(&b, "%s: your message to ", what[r->kind]);
	if (r->nrcpts == 1)
		failed |= dsn_clean(&b, r->rcpts[0].orcpt != NULL ?
		    dsn_bare_address(r->rcpts[0].orcpt) :
		    r->rcpts[0].address, 300, true);
	else
		failed |= buf_addf(&b, "%zu recipients", r->nrcpts);
	failed |= header_add(out, "Subject", buf_cstr(&b), true);
	buf_free(&b);
	return failed;
}

static int
add_head(struct buf *out, const struct plan *p)
{
	const struct dsn_report	*r = p->r;
	char			 date[DATE_MAX];
	int			 failed = 0;

	date_format(r->now, date);
	failed |= buf_addf(out, "Date: %s\r\n"
	    "From: Mail system <MAILER-DAEMON@%s>\r\nTo: <%s>\r\n", date,
	    r->hostname, r->from);
	failed |= add_subject(out, r);
	failed |= buf_addf(out, "Message-ID: <%s@%s>\r\n", r->report_id,
	    r->hostname);
	failed |= add_reference(out, r->original);
	/* RFC 3834 5: nothing may answer this by itself. */
	failed |= buf_addstr(out, "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n");
	failed |= buf_addf(out, "Content-Type: multipart/report;"
	    " report-type=delivery-status;\r\n\tboundary=\"%s\"\r\n",
	    p->boundary);
	if (p->utf8 || p->eightbit)
		failed |= buf_addstr(out,
		    "Content-Transfer-Encoding: 8bit\r\n");
	failed |= buf_addstr(out, "\r\nThis is a report in MIME format.\r\n");
	return failed;
}

static int
open_part(struct buf *out, const struct plan *p, const char *type,
    const char *description, bool eightbit)
{
	return buf_addf(out, "\r\n--%s\r\nContent-Type: %s\r\n"
	    "Content-Description: %s\r\n%s\r\n", p->boundary, type,
	    description, eightbit ? "Content-Transfer-Encoding: 8bit\r\n" :
	    "");
}

static int
add_parts(struct buf *out, const struct plan *p)
{
	int	 failed = 0;

	failed |= open_part(out, p, p->utf8 ? "text/plain; charset=utf-8" :
	    "text/plain; charset=us-ascii", "What happened", p->utf8);
	failed |= dsn_add_words(out, p->r, p->utf8);

	failed |= open_part(out, p, p->utf8 ?
	    "message/global-delivery-status" : "message/delivery-status",
	    "The same for programs", p->utf8);
	failed |= dsn_add_status(out, p->r, p->utf8);

	if (p->full)
		failed |= open_part(out, p, p->utf8 ? "message/global" :
		    "message/rfc822", "Your message", p->eightbit);
	else
		failed |= open_part(out, p, p->utf8 ?
		    "message/global-headers" : "text/rfc822-headers",
		    "The header of your message", p->eightbit);
	failed |= buf_add(out, p->original.ptr, p->original.len);
	failed |= buf_addf(out, "\r\n--%s--\r\n", p->boundary);
	return failed;
}

int
dsn_build(struct buf *out, const struct dsn_report *r)
{
	struct plan	 p;
	size_t		 before = out->len;
	int		 failed = 0;

	make_plan(&p, r);
	failed |= add_head(out, &p);
	failed |= add_parts(out, &p);
	if (failed == 0)
		return 0;
	buf_cut(out, before);
	errno = EMSGSIZE;
	return -1;
}
