/* Contract in base_subject.h.  Steps are numbered as in RFC 5256 2.1. */
#include <errno.h>
#include <string.h>

#include "lib/mail/base_subject.h"
#include "lib/mail/encoded_word.h"

static bool
starts(struct slice s, const char *word)
{
	size_t	 n = strlen(word);

	return s.len >= n && strncasecmp(s.ptr, word, n) == 0;
}

static bool
ends(struct slice s, const char *word)
{
	size_t	 n = strlen(word);

	return s.len >= n && strncasecmp(s.ptr + s.len - n, word, n) == 0;
}

static void
cut(struct slice *s, size_t n)
{
	s->ptr += n;
	s->len -= n;
}

static bool
skip_blanks(struct slice *s)
{
	size_t	 n = 0;

	while (n < s->len && s->ptr[n] == ' ')
		n++;
	cut(s, n);
	return n > 0;
}

/* subj-blob: "[...]" and blanks. */
static bool
skip_blob(struct slice *s)
{
	size_t	 i;

	if (s->len == 0 || s->ptr[0] != '[')
		return false;
	for (i = 1; i < s->len && s->ptr[i] != '[' && s->ptr[i] != ']'; i++)
		;
	if (i == s->len || s->ptr[i] != ']')
		return false;
	cut(s, i + 1);
	(void)skip_blanks(s);
	return true;
}

/* subj-refwd */
static bool
skip_refwd(struct slice *s)
{
	struct slice	 rest = *s;

	if (starts(rest, "re"))
		cut(&rest, 2);
	else if (starts(rest, "fwd"))
		cut(&rest, 3);
	else if (starts(rest, "fw"))
		cut(&rest, 2);
	else
		return false;
	(void)skip_blanks(&rest);
	(void)skip_blob(&rest);
	if (rest.len == 0 || rest.ptr[0] != ':')
		return false;
	cut(&rest, 1);
	*s = rest;
	return true;
}

/* (2) subj-trailer */
static void
cut_trailers(struct slice *s, bool *reply)
{
	for (;;) {
		if (s->len > 0 && s->ptr[s->len - 1] == ' ') {
			s->len--;
		} else if (ends(*s, "(fwd)")) {
			s->len -= strlen("(fwd)");
			*reply = true;
		} else {
			return;
		}
	}
}

/*
 * (3) to (5).  Blobs in front of a leader go with it, others as long as
 * something is left; both ways they go one after the other, so each is looked
 * at once, and those before the last are given back if nothing follows.
 */
static void
cut_leaders(struct slice *s, bool *reply)
{
	struct slice	 last;

	for (;;) {
		if (skip_blanks(s))
			continue;
		if (skip_refwd(s)) {
			*reply = true;
			continue;
		}
		last = *s;
		if (!skip_blob(s))
			return;
		if (s->len == 0) {
			*s = last;
			return;
		}
	}
}

/* (1) Runs of blanks are one space. */
static void
squeeze(struct buf *b)
{
	size_t	 i, n = 0;
	char	 c;

	for (i = 0; i < b->len; i++) {
		c = b->ptr[i] == '\t' ? ' ' : b->ptr[i];
		if (c != ' ' || n == 0 || b->ptr[n - 1] != ' ')
			b->ptr[n++] = c;
	}
	b->len = n;
}

int
base_subject(struct slice value, struct buf *out, bool *reply)
{
	struct buf	 text;
	struct slice	 s;
	bool		 is = false;
	int		 rc = -1;

	buf_init(&text, value.len * 4 + 64);
	if (encoded_word_text(value, &text) == -1)
		goto end;
	squeeze(&text);
	s = buf_slice(&text);
	for (;;) {
		cut_trailers(&s, &is);
		cut_leaders(&s, &is);
		if (!starts(s, "[fwd:") || !ends(s, "]"))	/* (6) */
			break;
		cut(&s, strlen("[fwd:"));
		s.len--;
		is = true;
	}
	rc = buf_add(out, s.ptr, s.len);
	if (rc == 0 && reply != NULL)
		*reply = is;
end:
	buf_free(&text);
	return rc;
}
