/* Contract in headers.h. */
#include "lib/mail/date.h"
#include "lib/mail/header.h"
#include "smtpd/headers.h"

struct present {
	bool	 date, message_id, from;
	bool	 any;		/* some field at all */
	bool	 text;		/* begins with what is no header section */
};

static struct present
look(struct slice front, bool whole)
{
	struct present		 p = { 0 };
	struct header_field	 f;
	size_t			 pos = 0;

	while (header_next(front, &pos, &f)) {
		p.any = true;
		if (slice_is(f.name, "Date"))
			p.date = true;
		else if (slice_is(f.name, "Message-ID"))
			p.message_id = true;
		else if (slice_is(f.name, "From"))
			p.from = true;
	}
	p.text = pos == 0 && front.len > 0;
	if (!whole && pos >= front.len)
		p.date = p.message_id = p.from = true;
	return p;
}

int
headers_make(struct buf *out, const struct headers *h, struct slice front,
    bool whole)
{
	struct present	 p = look(front, whole);
	char		 date[DATE_MAX];
	int		 r;

	r = received_add(out, &h->received);
	if (r == 0 && h->complete && !p.date) {
		date_format(h->received.when, date);
		r = buf_addf(out, "Date: %s\r\n", date);
	}
	if (r == 0 && h->from != NULL && !p.from)
		r = buf_addf(out, "From: <%s>\r\n", h->from);
	if (r == 0 && h->complete && !p.message_id)
		r = buf_addf(out, "Message-ID: <%s@%s>\r\n", h->received.id,
		    h->received.by);
	if (r == 0 && p.text)
		r = buf_addstr(out, "\r\n");
	return r;
}
