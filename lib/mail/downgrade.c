/* Contract in downgrade.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xmalloc.h"
#include "lib/mail/downgrade.h"
#include "lib/mail/mime_walk.h"
#include "lib/mail/transfer.h"

#define TEXT_LINE	998	/* RFC 5322 2.1.1, without CRLF */
#define OUT_SIZE	32768

/* What becomes of an entity: one octet of the plan. */
enum {
	KEEP,
	TO_QP,			/* the field is replaced, like for all to FIX */
	TO_BASE64,
	LABEL,			/* a container: "8bit" is true no more */
	FIX_QP,			/* the field stays */
	FIX_BASE64,
	ACTION = 0x0f,
	UNDECLARED = 0x10	/* 8-bit, and there is no Content-Type */
};

/* Sees to lines of a header that are too long; out NULL: only tries. */
struct folder {
	char		 line[TEXT_LINE];
	size_t		 len;
	size_t		 blank;		/* where to fold, 0: nowhere */
	bool		 word;		/* the line is not all blanks */
	bool		 rest;		/* it is what a fold left over */
	bool		 folded;	/* ever */
	transfer_put	 put;
	void		*ctx;
};

static int
folder_put(struct folder *f, const char *data, size_t len)
{
	return f->put == NULL ? 0 : f->put(f->ctx, data, len);
}

/* Fold the full line at its last blank.  1, 0: there is none, -1. */
static int
folder_fold(struct folder *f)
{
	size_t	 i;

	if (f->blank == 0)
		return 0;
	if (folder_put(f, f->line, f->blank) == -1 ||
	    folder_put(f, "\r\n", 2) == -1)
		return -1;
	f->len -= f->blank;
	memmove(f->line, f->line + f->blank, f->len);
	f->blank = 0;
	f->word = false;
	f->rest = f->folded = true;
	for (i = 0; i < f->len; i++)
		f->word |= f->line[i] != ' ' && f->line[i] != '\t';
	return 1;
}

/* 1, 0: a word is too long, -1. */
static int
folder_octet(struct folder *f, char c)
{
	bool	 blank = c == ' ' || c == '\t';
	int	 rc;

	if (blank && f->word)
		f->blank = f->len;
	if (f->len == TEXT_LINE && (rc = folder_fold(f)) != 1)
		return rc;
	f->line[f->len++] = c;
	f->word |= !blank;
	return 1;
}

/* Write the line.  Blanks alone behind a fold look like an empty line. */
static int
folder_end(struct folder *f, const char *eol)
{
	int	 rc = 0;

	if (!f->rest || f->word) {
		rc = folder_put(f, f->line, f->len);
		if (rc == 0)
			rc = folder_put(f, eol, strlen(eol));
	}
	f->len = f->blank = 0;
	f->word = f->rest = false;
	return rc == -1 ? -1 : 1;
}

/* A piece of a header line, its end perhaps included. */
static int
folder_take(struct folder *f, struct slice data)
{
	size_t	 i;
	bool	 end;
	int	 rc;

	end = data.len >= 2 && memcmp(data.ptr + data.len - 2, "\r\n", 2) == 0;
	if (end)
		data.len -= 2;
	for (i = 0; i < data.len; i++)
		if ((rc = folder_octet(f, data.ptr[i])) != 1)
			return rc;
	if (!end)
		return 1;
	return folder_end(f, "\r\n");
}

/* --- what there is to do --- */

struct scan {
	struct downgrade_plan	*plan;
	struct folder		 folder;
	bool			 header_high;
	bool			 gap;
	const char		*cannot;
	/* Of the leaf: */
	uint64_t		 octets, high;
	size_t			 line;
	bool			 longline;
};

static size_t
count_high(struct slice s)
{
	size_t	 i, n = 0;

	for (i = 0; i < s.len; i++)
		n += (unsigned char)s.ptr[i] >> 7;
	return n;
}

/* Room for the entity's action.  NULL: there are too many. */
static uint8_t *
plan_action(struct downgrade_plan *p, size_t number)
{
	size_t	 size;

	if (number >= DOWNGRADE_PARTS)
		return NULL;
	if (number >= p->size) {
		size = p->size == 0 ? 16 : p->size * 2;
		while (size <= number)
			size *= 2;
		p->action = xreallocarray(p->action, size, 1);
		memset(p->action + p->size, KEEP, size - p->size);
		p->size = size;
	}
	if (number >= p->n)
		p->n = number + 1;
	return &p->action[number];
}

static uint8_t
plan_get(const struct downgrade_plan *p, size_t number)
{
	return number < p->n ? p->action[number] : KEEP;
}

static int
scan_cannot(struct scan *s, const char *why)
{
	if (s->cannot == NULL)
		s->cannot = why;
	return 0;
}

/* All around it say 7bit from now on. */
static int
scan_mark(struct scan *s, const struct mime_piece *p, uint8_t action)
{
	uint8_t	*a;
	size_t	 i;

	for (i = 0; i < p->depth; i++)
		if ((a = plan_action(s->plan, p->level[i].number)) != NULL)
			*a = LABEL;
	if (action == LABEL)
		return 0;
	if ((a = plan_action(s->plan, p->entity->number)) == NULL)
		return scan_cannot(s, "too many parts");
	*a = action;
	return 0;
}

static void
scan_line(struct scan *s, const struct mime_piece *p)
{
	size_t	 high = count_high(p->data);

	if (p->begins)
		s->line = 0;
	s->line += p->data.len;
	s->octets += p->data.len;
	s->high += high;
	if (s->line > TEXT_LINE)
		s->longline = true;
}

static uint8_t
scan_choose(const struct scan *s, const struct mime_entity *e)
{
	uint8_t	 action;

	if (e->transfer == TRANSFER_QP)
		return FIX_QP;
	if (e->transfer == TRANSFER_BASE64)
		return FIX_BASE64;
	/* Readable without a decoder as long as that costs not too much. */
	action = s->high * 3 > s->octets ? TO_BASE64 : TO_QP;
	if (!e->has_type && s->high > 0)
		action |= UNDECLARED;
	return action;
}

static int
scan_leaf_end(struct scan *s, const struct mime_piece *p)
{
	const struct mime_entity	*e = p->entity;
	unsigned int			 fix = s->plan->fix;
	bool				 due;

	due = ((fix & DOWNGRADE_EIGHTBIT) && s->high > 0) ||
	    ((fix & DOWNGRADE_LONGLINE) && s->longline);
	if (!due)
		return 0;
	if (e->kind == MIME_TOO_DEEP)
		return scan_cannot(s, "parts are nested too deeply");
	if (e->kind == MIME_NO_BOUNDARY)
		return scan_cannot(s, "a multipart has no boundary");
	if (e->kind == MIME_FIXED)
		return scan_cannot(s, "a part must not be encoded");
	if (e->transfer == TRANSFER_UNKNOWN)
		return scan_cannot(s, "unknown Content-Transfer-Encoding");
	return scan_mark(s, p, scan_choose(s, e));
}

static void
scan_field(struct scan *s, const struct mime_piece *p)
{
	unsigned int	 fix = s->plan->fix;

	if ((fix & DOWNGRADE_EIGHTBIT) && count_high(p->data) > 0)
		s->header_high = true;
	if ((fix & DOWNGRADE_LONGLINE) && s->cannot == NULL &&
	    folder_take(&s->folder, p->data) == 0)
		s->cannot = "a header field has a word that is too long";
}

static int
scan_take(void *ctx, const struct mime_piece *p)
{
	struct scan	*s = ctx;
	unsigned int	 fix = s->plan->fix;

	switch (p->event) {
	case MIME_WALK_FIELD:
		scan_field(s, p);
		return 0;
	case MIME_WALK_HEADER_END:
		s->octets = s->high = 0;
		s->longline = false;
		return 0;
	case MIME_WALK_DATA:
		scan_line(s, p);
		return 0;
	case MIME_WALK_GAP:
		s->octets = s->high = 0;
		s->longline = false;
		scan_line(s, p);
		if (((fix & DOWNGRADE_EIGHTBIT) && s->high > 0) ||
		    ((fix & DOWNGRADE_LONGLINE) && s->longline)) {
			s->gap = true;
			return scan_mark(s, p, LABEL);
		}
		return 0;
	case MIME_WALK_LEAF_END:
		return scan_leaf_end(s, p);
	case MIME_WALK_EOL:
	case MIME_WALK_DELIMITER:
	case MIME_WALK_GAP_EOL:
		break;
	}
	return 0;
}

enum downgrade_verdict
downgrade_scan(struct downgrade_plan *plan, unsigned int fix,
    downgrade_read rd, void *ctx)
{
	struct scan	 s = { .plan = plan };

	memset(plan, 0, sizeof(*plan));
	plan->fix = fix;
	plan->verdict = DOWNGRADE_NOTHING;
	if (mime_walk(rd, ctx, scan_take, &s) == -1)
		plan->verdict = DOWNGRADE_ERROR;
	else if (s.cannot != NULL) {
		plan->verdict = DOWNGRADE_CANNOT;
		plan->reason = s.cannot;
	} else if (s.header_high) {
		plan->verdict = DOWNGRADE_HEADERS;
		plan->reason = "8-bit octets in a header";
	} else if (plan->n > 0 || s.gap || s.folder.folded) {
		plan->verdict = DOWNGRADE_CAN;
	}
	return plan->verdict;
}

/* --- doing it --- */

struct writer {
	const struct downgrade_plan	*plan;
	downgrade_write_cb		 put;
	void				*ctx;
	char				*out;
	size_t				 len;
	struct folder			 folder;
	struct transfer			 transfer;
	size_t				 gap;	/* octets of the line */
};

static int
writer_flush(struct writer *w)
{
	size_t	 len = w->len;

	w->len = 0;
	return len == 0 ? 0 : w->put(w->ctx, w->out, len);
}

static int
writer_put(void *ctx, const void *data, size_t len)
{
	struct writer	*w = ctx;

	if (len > OUT_SIZE - w->len && writer_flush(w) == -1)
		return -1;
	if (len > OUT_SIZE)
		return w->put(w->ctx, data, len);
	memcpy(w->out + w->len, data, len);
	w->len += len;
	return 0;
}

static int
writer_str(struct writer *w, const char *s)
{
	return writer_put(w, s, strlen(s));
}

static uint8_t
writer_action(const struct writer *w, const struct mime_piece *p)
{
	return plan_get(w->plan, p->entity->number) & ACTION;
}

static bool
replaces_field(uint8_t action)
{
	return action == TO_QP || action == TO_BASE64 || action == LABEL;
}

static int
write_field(struct writer *w, const struct mime_piece *p)
{
	if (p->field == MIME_FIELD_TRANSFER &&
	    replaces_field(writer_action(w, p)))
		return 0;
	if (w->plan->fix & DOWNGRADE_LONGLINE)
		return folder_take(&w->folder, p->data) == 1 ? 0 : -1;
	return writer_put(w, p->data.ptr, p->data.len);
}

/* The fields an encoded entity must have. */
static int
write_declaration(struct writer *w, const struct mime_entity *e, bool qp)
{
	if (e->root && !e->has_version &&
	    writer_str(w, "MIME-Version: 1.0\r\n") == -1)
		return -1;
	/* RFC 1428 3: what nobody has told. */
	if ((plan_get(w->plan, e->number) & UNDECLARED) && writer_str(w,
	    "Content-Type: text/plain; charset=unknown-8bit\r\n") == -1)
		return -1;
	return writer_str(w, qp ?
	    "Content-Transfer-Encoding: quoted-printable\r\n" :
	    "Content-Transfer-Encoding: base64\r\n");
}

static int
write_header_end(struct writer *w, const struct mime_piece *p)
{
	const struct mime_entity	*e = p->entity;
	uint8_t				 action = writer_action(w, p);
	enum transfer_kind		 kind = TRANSFER_TO_QP;
	int				 rc = 0;

	/* A header cut off in a line. */
	if (w->folder.len > 0 && folder_end(&w->folder, "") == -1)
		return -1;
	switch (action) {
	case TO_QP:
	case TO_BASE64:
		rc = write_declaration(w, e, action == TO_QP);
		kind = action == TO_QP ? TRANSFER_TO_QP : TRANSFER_TO_BASE64;
		break;
	case LABEL:
		if (e->transfer != TRANSFER_NONE)
			rc = writer_str(w,
			    "Content-Transfer-Encoding: 7bit\r\n");
		break;
	case FIX_QP:
		kind = TRANSFER_FIX_QP;
		break;
	case FIX_BASE64:
		kind = TRANSFER_FIX_BASE64;
		break;
	}
	/* Encoded, a first line that was no field may look like one. */
	if (rc == 0 && p->data.len == 0 && action != KEEP)
		rc = writer_str(w, "\r\n");
	transfer_begin(&w->transfer, kind, writer_put, w);
	return rc == -1 ? -1 : writer_put(w, p->data.ptr, p->data.len);
}

static int
write_leaf_end(struct writer *w, const struct mime_piece *p)
{
	uint8_t	 action = writer_action(w, p);

	if (action == KEEP)
		return 0;
	if (transfer_end(&w->transfer) == -1)
		return -1;
	if (action == TO_BASE64 && !p->delimited && w->transfer.col > 0)
		return writer_str(w, "\r\n");
	return 0;
}

/* Text that nobody is meant to read (RFC 2046 5.1.1). */
static int
write_gap(struct writer *w, const struct mime_piece *p)
{
	unsigned int	 fix = w->plan->fix;
	struct slice	 d = p->data;
	size_t		 i;
	char		 c;

	if (p->begins) {
		w->gap = 0;
		/* "?" must not make a delimiter of it. */
		if ((fix & DOWNGRADE_EIGHTBIT) && d.ptr[0] == '-' &&
		    count_high(d) > 0 && w->gap++ == 0 &&
		    writer_put(w, " ", 1) == -1)
			return -1;
	}
	for (i = 0; i < d.len; i++) {
		c = d.ptr[i];
		if ((fix & DOWNGRADE_EIGHTBIT) && (unsigned char)c > 0x7f)
			c = '?';
		if ((fix & DOWNGRADE_LONGLINE) && w->gap == TEXT_LINE) {
			if (writer_str(w, "\r\n ") == -1)
				return -1;
			w->gap = 1;
		}
		if (writer_put(w, &c, 1) == -1)
			return -1;
		w->gap++;
	}
	return 0;
}

static int
write_take(void *ctx, const struct mime_piece *p)
{
	struct writer	*w = ctx;

	switch (p->event) {
	case MIME_WALK_FIELD:
		return write_field(w, p);
	case MIME_WALK_HEADER_END:
		return write_header_end(w, p);
	case MIME_WALK_DATA:
		if (writer_action(w, p) == KEEP)
			break;
		return transfer_data(&w->transfer, p->data.ptr, p->data.len);
	case MIME_WALK_EOL:
		if (writer_action(w, p) == KEEP)
			break;
		return transfer_eol(&w->transfer);
	case MIME_WALK_LEAF_END:
		return write_leaf_end(w, p);
	case MIME_WALK_GAP:
		return write_gap(w, p);
	case MIME_WALK_DELIMITER:
	case MIME_WALK_GAP_EOL:
		break;
	}
	return writer_put(w, p->data.ptr, p->data.len);
}

int
downgrade_write(const struct downgrade_plan *plan, downgrade_read rd,
    void *rctx, downgrade_write_cb put, void *wctx)
{
	struct writer	 w = { .plan = plan, .put = put, .ctx = wctx };
	int		 rc;

	if (plan->verdict == DOWNGRADE_CANNOT ||
	    plan->verdict == DOWNGRADE_ERROR) {
		errno = EINVAL;
		return -1;
	}
	w.out = xmalloc(OUT_SIZE);
	w.folder.put = writer_put;
	w.folder.ctx = &w;
	rc = mime_walk(rd, rctx, write_take, &w);
	if (rc == 0)
		rc = writer_flush(&w);
	free(w.out);
	return rc;
}

void
downgrade_free(struct downgrade_plan *plan)
{
	free(plan->action);
	memset(plan, 0, sizeof(*plan));
}
