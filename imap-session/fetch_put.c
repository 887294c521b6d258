/*
 * The response of one letter (fetch.h).  100,000 of them are an affair of
 * milliseconds, so what is short is written where it is sent from, and nothing
 * goes through printf(3).
 */
#include <errno.h>
#include <string.h>

#include "imap-session/command.h"
#include "imap-session/fetch.h"
#include "imap-session/fetch_section.h"
#include "lib/base/log.h"
#include "lib/mail/imap_string.h"

#define ROOM	512		/* of all short items together */

/* Where the short items go; they fit in ROOM. */
struct pen {
	struct session	*s;
	char		*p;
};

static void
pen_down(struct pen *pen, struct session *s)
{
	struct buf	*out = &s->s.out;

	if (out->max - out->len < ROOM)
		stream_flush(&s->s);
	pen->s = s;
	/* A dead stream's output goes nowhere, but has room. */
	if ((pen->p = buf_reserve(out, ROOM)) == NULL) {
		buf_clear(out);
		pen->p = buf_reserve(out, ROOM);
	}
}

static void
pen_up(struct pen *pen)
{
	struct buf	*out = &pen->s->s.out;

	out->len = (size_t)(pen->p - out->ptr);
	out->ptr[out->len] = '\0';
}

static void
text(struct pen *pen, const char *s, size_t len)
{
	memcpy(pen->p, s, len);
	pen->p += len;
}

#define TEXT(pen, s)	text(pen, s, sizeof(s) - 1)

static void
number(struct pen *pen, uint64_t v)
{
	char	 digits[20], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	text(pen, p, (size_t)(digits + sizeof(digits) - p));
}

static void
date(struct pen *pen, int64_t when)
{
	put_date_time_text(when, pen->p);
	pen->p += PUT_DATE_TIME;
}

/* "* 5 FETCH (" and all that is short. */
static void
put_short(struct fetch *f, size_t i)
{
	const struct letter	*l = &f->letter[i];
	struct session		*s = f->s;
	unsigned int		 items = f->items;
	struct slice		 flags;
	struct pen		 pen;

	if (f->tell_flags[i])
		items |= FETCH_FLAGS | (s->enabled & ENABLED_CONDSTORE ?
		    FETCH_MODSEQ : 0u);
	pen_down(&pen, s);
	TEXT(&pen, "* ");
	if (s->enabled & ENABLED_UIDONLY) {
		number(&pen, l->uid);
		TEXT(&pen, " UIDFETCH (");
	} else {
		number(&pen, number_set_position(&s->view.uids, l->uid));
		TEXT(&pen, " FETCH (");
	}
	if (items & FETCH_UID) {
		TEXT(&pen, "UID ");
		number(&pen, l->uid);
		TEXT(&pen, " ");
	}
	if (items & FETCH_FLAGS) {
		TEXT(&pen, "FLAGS ");
		pen_up(&pen);
		flags = put_flags_text(s, l);
		stream_put(&s->s, flags.ptr, flags.len);
		pen_down(&pen, s);
		TEXT(&pen, " ");
	}
	if (items & FETCH_INTERNALDATE) {
		TEXT(&pen, "INTERNALDATE ");
		date(&pen, l->received);
		TEXT(&pen, " ");
	}
	if (items & FETCH_SIZE) {
		TEXT(&pen, "RFC822.SIZE ");
		number(&pen, l->wire);
		TEXT(&pen, " ");
	}
	if (items & FETCH_MODSEQ) {
		TEXT(&pen, "MODSEQ (");
		number(&pen, l->modseq);
		TEXT(&pen, ") ");
	}
	if (items & FETCH_SAVEDATE) {
		TEXT(&pen, "SAVEDATE ");
		if (l->saved == LETTER_UNDATED)
			TEXT(&pen, "NIL");
		else
			date(&pen, l->saved);
		TEXT(&pen, " ");
	}
	/* RFC 8474 5.2: threads are the client's to find. */
	if (items & FETCH_THREADID)
		TEXT(&pen, "THREADID NIL ");
	/* The last blank is for who comes next, if somebody does. */
	f->blank = pen.p[-1] == ' ';
	if (f->blank)
		pen.p--;
	pen_up(&pen);
}

/* In front of each item that is not short. */
static void
put_blank(struct fetch *f)
{
	if (f->blank)
		stream_put(&f->s->s, " ", 1);
	f->blank = true;
}

static void
put_literal_head(struct session *s, const char *form, uint64_t len)
{
	stream_put(&s->s, form, strlen(form));
	put_number(s, len);
	stream_put(&s->s, "}\r\n", 3);
}

/* RFC 8474 5.1, of the octets: a copy has the same. */
static void
put_emailid(struct session *s, struct slice digest)
{
	static const char	 hex[] = "0123456789abcdef";
	struct pen		 pen;
	size_t			 i;

	pen_down(&pen, s);
	TEXT(&pen, "EMAILID (E");
	for (i = 0; i < 20 && i < digest.len; i++) {
		*pen.p++ = hex[(unsigned char)digest.ptr[i] >> 4];
		*pen.p++ = hex[digest.ptr[i] & 15];
	}
	TEXT(&pen, ")");
	pen_up(&pen);
}

/* Facts that are sent; prepare() has seen that they are there. */
static void
put_facts(struct fetch *f, size_t i)
{
	struct session	*s = f->s;
	struct slice	 t;

	if ((f->items & (FETCH_ENVELOPE | FETCH_BODY | FETCH_BODYSTRUCTURE)) &&
	    fetch_facts_text(f, FACTS_STRUCTURE, i, &t) && t.len > 0) {
		/* Its blank is in front. */
		put_blank(f);
		stream_put(&s->s, t.ptr + 1, t.len - 1);
	}
	if ((f->items & FETCH_EMAILID) &&
	    fetch_facts_text(f, FACTS_DIGEST, i, &t)) {
		put_blank(f);
		put_emailid(s, t);
	}
	if (f->items & FETCH_PREVIEW) {
		put_blank(f);
		stream_put(&s->s, "PREVIEW ", 8);
		if (fetch_facts_text(f, FACTS_PREVIEW, i, &t))
			put_string(s, t);
		else
			stream_put(&s->s, "NIL", 3);
	}
}

/* --- sections ---------------------------------------------------------------- */

static int
sink(void *ctx, const char *data, size_t len)
{
	struct stream	*s = ctx;

	stream_put(s, data, len);
	if (!s->dead)
		return 0;
	errno = EPIPE;
	return -1;
}

static void
put_label(struct fetch *f, const struct fetch_section *sec)
{
	put_blank(f);
	stream_put(&f->s->s, f->args.labels.ptr + sec->label,
	    sec->label_len);
	stream_put(&f->s->s, " ", 1);
}

/*
 * After what was announced cannot be sent, nothing that follows would make
 * sense to the client.
 */
static void
give_up(struct fetch *f, uint32_t uid)
{
	if (!f->s->s.dead)
		log_warn("event=imap-letter-failed user=%s mailbox=%s uid=%u",
		    log_esc(f->s->who->user), log_esc(f->s->view.name), uid);
	f->s->s.dead = true;
	f->s->end = SESSION_DROPPED;
}

static void
put_found(struct fetch *f, const struct fetch_section *sec,
    const struct fetch_octets *o, uint32_t uid)
{
	struct session	*s = f->s;

	put_label(f, sec);
	if (sec->kind == FETCH_BINARY_SIZE) {
		put_number(s, o->len);
	} else {
		put_literal_head(s, sec->kind == FETCH_BINARY ? "~{" : "{",
		    o->len);
		if (fetch_section_send(f->file, o, sink, &s->s) == -1)
			give_up(f, uid);
	}
}

/* A response has at least one item (RFC 9051 9, msg-att). */
static void
put_something(struct fetch *f, uint32_t uid)
{
	if (f->blank)
		return;
	stream_put(&f->s->s, "UID ", 4);
	put_number(f->s, uid);
	f->blank = true;
}

static void
put_from_file(struct fetch *f, const struct fetch_section *sec, uint32_t uid)
{
	struct session		*s = f->s;
	struct fetch_octets	 o;
	enum fetch_found	 found;

	found = fetch_section_find(f->file, sec, &o);
	switch (found) {
	case FETCH_FOUND:
		put_found(f, sec, &o, uid);
		return;
	case FETCH_UNKNOWN_CTE:
		f->unknown_cte = true;
		put_something(f, uid);
		return;
	case FETCH_MISSING:
		break;
	case FETCH_FAILED:
		f->failed = true;
		break;
	}
	put_label(f, sec);
	if (sec->kind == FETCH_BINARY_SIZE)
		stream_put(&s->s, "0", 1);
	else
		stream_put(&s->s, "NIL", 3);
}

/* Of a header that is kept. */
static void
put_from_header(struct fetch *f, const struct fetch_section *sec,
    struct slice header)
{
	struct fetch_octets	 o;

	if (sec->kind == FETCH_FIELDS) {
		buf_clear(&f->scratch);
		if (fetch_section_fields(sec, header, &f->scratch) == -1)
			buf_clear(&f->scratch);
		header = buf_slice(&f->scratch);
	}
	fetch_section_partial(sec, header.len, &o);
	put_label(f, sec);
	put_literal_head(f->s, "{", o.len);
	stream_put(&f->s->s, header.ptr + o.first, (size_t)o.len);
}

static void
put_sections(struct fetch *f, struct slice header, uint32_t uid)
{
	size_t	 i;

	for (i = 0; i < f->args.nsection && !f->s->s.dead; i++) {
		if (header.len > 0)
			put_from_header(f, &f->args.section[i], header);
		else
			put_from_file(f, &f->args.section[i], uid);
	}
}

/* Facts that say whether a letter is still there. */
static bool
has_facts(struct fetch *f, size_t i)
{
	struct slice	 t;
	size_t		 k;

	for (k = 0; k < f->nfacts; k++)
		if (!f->facts[k].lazy &&
		    !fetch_facts_text(f, f->facts[k].kind, i, &t))
			return false;
	return true;
}

/*
 * Before anything is sent: is the letter there?  Its header is in *header when
 * that is all it takes; else its file is open.
 */
static bool
prepare(struct fetch *f, size_t i, struct slice *header)
{
	const struct letter	*l = &f->letter[i];

	header->len = 0;
	if (!has_facts(f, i))
		return false;
	if (f->args.nsection == 0)
		return true;
	/* One with a NUL goes the way where those are replaced. */
	if (!f->uses_file && fetch_facts_text(f, FACTS_HEADER, i, header) &&
	    header->len > 0 && memchr(header->ptr, '\0', header->len) == NULL)
		return true;
	header->len = 0;
	return fetch_file_open(f->file, f->s->view.folder,
	    f->s->view.state.validity, l->uid, l->size) == 0;
}

void
fetch_put(struct fetch *f, size_t i)
{
	struct slice	 header;

	if (f->letter[i].uid == 0) {
		f->gone = true;
		return;
	}
	if (!prepare(f, i, &header)) {
		if (errno == ENOENT)
			f->gone = true;
		else
			f->failed = true;
		return;
	}
	put_short(f, i);
	put_facts(f, i);
	put_sections(f, header, f->letter[i].uid);
	stream_put(&f->s->s, ")\r\n", 3);
	if (f->uses_file)
		f->s->fetched++;
}
