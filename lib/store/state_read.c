/* Reading ID.s: contract in state.h.  Pure but for one pread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/address.h"
#include "lib/store/envelope.h"
#include "lib/store/state.h"

/* Where the parser is in the file. */
struct cursor {
	const char	*start, *p, *end;
};

static bool
state_line(struct cursor *c, struct slice *line)
{
	const char	*nl;

	if (c->p == c->end ||
	    (nl = memchr(c->p, '\n', (size_t)(c->end - c->p))) == NULL)
		return false;
	line->ptr = c->p;
	line->len = (size_t)(nl - c->p);
	c->p = nl + 1;
	return true;
}

static char *
state_decode(struct slice v, size_t max)
{
	struct buf	 b;
	char		*s = NULL;
	size_t		 i;

	buf_init(&b, max);
	if (text_xdecode(&b, v) == 0) {
		for (i = 0; i < b.len; i++)
			if (text_is_control(b.ptr[i]))
				break;
		if (i == b.len)
			s = xstrdup(buf_cstr(&b));
	}
	buf_free(&b);
	return s;
}

static bool
state_after(struct slice *line, const char *key)
{
	size_t	 n = strlen(key);

	if (line->len < n || memcmp(line->ptr, key, n) != 0)
		return false;
	line->ptr += n;
	line->len -= n;
	return true;
}

static int
state_parse_notify(struct slice v)
{
	static const char *const names[] = { "NEVER", "SUCCESS", "FAILURE",
	    "DELAY" };
	const char	*comma;
	struct slice	 w;
	size_t		 i;
	int		 bits = 0;

	while (v.len > 0) {
		w = v;
		if ((comma = memchr(v.ptr, ',', v.len)) != NULL)
			w.len = (size_t)(comma - v.ptr);
		for (i = 0; i < 4 && !slice_is(w, names[i]); i++)
			;
		if (i == 4)
			return -1;
		bits |= 1 << i;
		v.ptr += w.len + (comma != NULL);
		v.len -= w.len + (comma != NULL);
	}
	return bits == 0 ? -1 : bits;
}

static bool
state_parse_option(struct state_rcpt *r, struct slice w)
{
	uint64_t	 tries;

	if (state_after(&w, "notify=")) {
		r->notify = state_parse_notify(w);
		return r->notify != -1;
	}
	if (r->orcpt == NULL && state_after(&w, "orcpt="))
		return (r->orcpt = state_decode(w, 1024)) != NULL;
	if (r->tries == 0 && state_after(&w, "tries=")) {
		if (text_u64(w, UINT32_MAX / 2, &tries) == -1)
			return false;
		r->tries = (unsigned int)tries;
		return true;
	}
	if (!r->expand && slice_is(w, "expand=1"))
		return (r->expand = true);
	if (r->owner == NULL && state_after(&w, "owner="))
		return (r->owner = state_decode(w, ADDRESS_MAX)) != NULL;
	return false;
}

static bool
state_parse_rcpt(struct state *s, struct slice line, off_t offset)
{
	struct state_rcpt	*r;
	struct slice		 w;
	uint64_t		 batch;
	char			*address;
	char			 letter;

	w = text_cut(&line, ' ');
	if (w.len != 1 || strchr("PDFBS", letter = w.ptr[0]) == NULL)
		return false;
	w = text_cut(&line, ' ');
	if (w.len != 4 || text_u64(w, STATE_BATCHES, &batch) == -1)
		return false;
	w = text_cut(&line, ' ');
	if (w.len == 0 || (address = state_decode(w, ADDRESS_MAX)) == NULL)
		return false;
	r = state_add(s, address, NULL, NULL, 0);
	free(address);
	r->letter = (enum state_letter)letter;
	r->batch = (unsigned int)batch;
	r->offset = offset;
	while (line.len > 0)
		if (!state_parse_option(r, text_cut(&line, ' ')))
			return false;
	return true;
}

/* NULL: none, or not one. */
static char *
state_parse_host(struct slice w)
{
	if (w.len == 0 || slice_is(w, "-"))
		return NULL;
	return state_decode(w, STATE_HOST_MAX - 1);
}

/* A line that makes no sense is passed over: tries are a record only. */
static void
state_parse_try(struct state *s, struct slice line)
{
	struct slice	 who;
	uint64_t	 when, number = 0;
	char		 code[12], text[STATE_TEXT_MAX], *host = NULL;
	size_t		 i;

	if (text_u64(text_cut(&line, ' '), INT64_MAX, &when) == -1)
		return;
	who = text_cut(&line, ' ');
	if (!slice_is(who, "*") &&
	    (text_u64(who, UINT32_MAX, &number) == -1 || number >= s->nrcpts))
		return;
	s->tries++;
	who = slice_is(who, "*") ? (struct slice){ NULL, 0 } : who;
	i = 0;
	while (i < sizeof(code) - 1 && i < line.len && line.ptr[i] != ' ') {
		code[i] = line.ptr[i];
		i++;
	}
	code[i] = '\0';
	text_cut(&line, ' ');
	if (!s->old)
		host = state_parse_host(text_cut(&line, ' '));
	i = line.len < sizeof(text) - 1 ? line.len : sizeof(text) - 1;
	memcpy(text, line.ptr, i);
	text[i] = '\0';
	if (who.ptr != NULL) {
		state_note(&s->rcpts[number], (int64_t)when, code, host,
		    text);
		free(host);
		return;
	}
	for (i = 0; i < s->nrcpts; i++)
		if (s->rcpts[i].letter == STATE_PENDING)
			state_note(&s->rcpts[i], (int64_t)when, code, host,
			    text);
	free(host);
}

/* The lines up to "rcpts"; the key of each must be the one expected. */
static bool
state_parse_head(struct cursor *c, struct state *s, uint64_t *rcpts)
{
	struct slice	 line;
	uint64_t	 arrived;

	if (!state_line(c, &line))
		return false;
	s->old = slice_is(line, "merpati-state 1");
	if ((!s->old && !slice_is(line, "merpati-state 2")) ||
	    !state_line(c, &line) || !state_after(&line, "arrived ") ||
	    text_u64(line, INT64_MAX, &arrived) == -1 ||
	    !state_line(c, &line) || !state_after(&line, "size ") ||
	    text_u64(line, UINT64_MAX, &s->size) == -1 ||
	    !state_line(c, &line) || !state_after(&line, "from ") ||
	    (s->from = state_decode(line, ADDRESS_MAX)) == NULL ||
	    !state_line(c, &line) || !state_after(&line, "warned ") ||
	    line.len != 1 || strchr("-W", line.ptr[0]) == NULL)
		return false;
	s->arrived = (int64_t)arrived;
	s->warned = line.ptr[0] == 'W';
	s->warned_offset = line.ptr - c->start;
	return state_line(c, &line) && state_after(&line, "rcpts ") &&
	    text_u64(line, ENVELOPE_RCPTS, rcpts) == 0 && *rcpts > 0;
}

static enum state_status
state_parse(struct cursor *c, struct state *s, const char **why)
{
	struct slice	 line;
	uint64_t	 rcpts, i;

	*why = "the header is not one of a state file";
	if (!state_parse_head(c, s, &rcpts))
		return STATE_CORRUPT;
	*why = "a recipient's line is malformed";
	for (i = 0; i < rcpts; i++)
		if (!state_line(c, &line) ||
		    !state_parse_rcpt(s, line, line.ptr - c->start))
			return STATE_CORRUPT;
	*why = "there is no end after the recipients";
	if (!state_line(c, &line) || !slice_is(line, "end"))
		return STATE_CORRUPT;
	s->head = c->p - c->start;
	while (state_line(c, &line))
		state_parse_try(s, line);
	s->end = c->p - c->start;
	return STATE_OK;
}

enum state_status
state_read(int fd, struct state *s, const char **why)
{
	enum state_status	 status;
	struct cursor		 c;
	struct stat		 st;
	ssize_t			 n;
	char			*data;

	state_init(s);
	*why = "";
	if (fstat(fd, &st) == -1)
		return STATE_ERROR;
	if (!S_ISREG(st.st_mode) || st.st_size > STATE_MAX) {
		*why = "it is no file, or too large";
		return STATE_CORRUPT;
	}
	data = xmalloc((size_t)st.st_size + 1);
	n = io_pread_full(fd, data, (size_t)st.st_size, 0);
	if (n == -1) {
		free(data);
		return STATE_ERROR;
	}
	data[n] = '\0';
	/* Lines that a power loss left as zeros were never synced: no lines. */
	c.start = c.p = data;
	c.end = data + strlen(data);
	if (strstr(data, "\nend\n") == NULL)
		status = STATE_PARTIAL;
	else
		status = state_parse(&c, s, why);
	s->torn = s->end != n;
	free(data);
	if (status != STATE_OK)
		state_free(s);
	return status;
}
