/* Contract in dovecot_uidlist.h.  Pure. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/store/dovecot_uidlist.h"

static uint32_t
number(struct slice s)
{
	uint64_t	 n;

	return text_u64(s, UINT32_MAX, &n) == -1 ? 0 : (uint32_t)n;
}

static int
parse_header(struct slice line, struct dovecot_uidlist *l)
{
	struct slice	 word;

	if (!slice_eq(text_cut(&line, ' '), SLICE_LIT("3")))
		return -1;
	while (line.len > 0) {
		word = text_cut(&line, ' ');
		if (word.len < 2)
			continue;
		word.ptr++;
		word.len--;
		if (word.ptr[-1] == 'V')
			l->validity = number(word);
		else if (word.ptr[-1] == 'N')
			l->next = number(word);
	}
	return l->validity == 0 || l->next == 0 ? -1 : 0;
}

/* 0 when the line is none. */
static uint32_t
parse_line(struct slice line, struct slice *base)
{
	uint32_t	 uid = number(text_cut(&line, ' '));

	while (line.len > 0 && line.ptr[0] != ':')
		text_cut(&line, ' ');
	if (line.len < 2 || uid == UINT32_MAX)
		return 0;
	line.ptr++;
	line.len--;
	line = text_cut(&line, ':');		/* flags: older versions' */
	*base = text_cut(&line, ',');
	return base->len == 0 ? 0 : uid;
}

/* By base; of two lines for one message the later UID counts. */
static int
compare(const void *va, const void *vb)
{
	const struct dovecot_uid	*a = va, *b = vb;
	int				 r = slice_compare(a->base, b->base);

	return r != 0 ? r : (a->uid < b->uid) - (a->uid > b->uid);
}

int
dovecot_uidlist_parse(struct slice text, struct dovecot_uidlist *l)
{
	struct dovecot_uid	 u;
	size_t			 room = 0;

	memset(l, 0, sizeof(*l));
	if (parse_header(text_cut(&text, '\n'), l) == -1)
		return -1;
	while (text.len > 0) {
		if ((u.uid = parse_line(text_cut(&text, '\n'), &u.base)) == 0)
			continue;
		if (l->n == room) {
			room = room == 0 ? 64 : room * 2;
			l->uid = xreallocarray(l->uid, room, sizeof(u));
		}
		l->uid[l->n++] = u;
		if (u.uid >= l->next)
			l->next = u.uid + 1;
	}
	if (l->n > 0)
		qsort(l->uid, l->n, sizeof(u), compare);
	return 0;
}

uint32_t
dovecot_uidlist_find(const struct dovecot_uidlist *l, struct slice base)
{
	size_t	 lo = 0, hi = l->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (slice_compare(l->uid[mid].base, base) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n && slice_eq(l->uid[lo].base, base) ?
	    l->uid[lo].uid : 0;
}

void
dovecot_uidlist_free(struct dovecot_uidlist *l)
{
	free(l->uid);
	memset(l, 0, sizeof(*l));
}
