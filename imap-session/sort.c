/* Contract in sort.h. */
#include <stdlib.h>
#include <string.h>

#include "imap-session/sort.h"

static const char *const	 names[SORT_BY] = {
	[SORT_ARRIVAL] = "ARRIVAL",
	[SORT_DATE] = "DATE",
	[SORT_SIZE] = "SIZE",
	[SORT_SUBJECT] = "SUBJECT",
	[SORT_FROM] = "FROM",
	[SORT_TO] = "TO",
	[SORT_CC] = "CC",
	[SORT_DISPLAYFROM] = "DISPLAYFROM",
	[SORT_DISPLAYTO] = "DISPLAYTO",
};

static bool
read_key(struct imap_lex *lex, struct sort_key *k)
{
	int	 i;

	k->reverse = imap_lex_keyword(lex, "REVERSE");
	if (k->reverse && !imap_lex_space(lex))
		return false;
	for (i = 0; i < SORT_BY; i++) {
		if (imap_lex_keyword(lex, names[i])) {
			k->by = (enum sort_by)i;
			return true;
		}
	}
	return imap_lex_fail(lex, "There is no such sort key");
}

bool
sort_order_read(struct imap_lex *lex, struct sort_order *o)
{
	o->n = 0;
	if (!imap_lex_expect(lex, '('))
		return false;
	do {
		if (o->n == SORT_KEYS)
			return imap_lex_refuse(lex,
			    "[LIMIT] Too many sort keys");
		if (!read_key(lex, &o->key[o->n++]))
			return false;
	} while (imap_lex_accept(lex, ' '));
	return imap_lex_expect(lex, ')');
}

bool
sort_order_has(const struct sort_order *o, enum sort_by by)
{
	size_t	 i;

	for (i = 0; i < o->n; i++)
		if (o->key[i].by == by)
			return true;
	return false;
}

static int
compare_by(const struct sort_row *a, const struct sort_row *b,
    enum sort_by by)
{
	switch (by) {
	case SORT_ARRIVAL:
		return (a->arrival > b->arrival) - (a->arrival < b->arrival);
	case SORT_DATE:
		return (a->date > b->date) - (a->date < b->date);
	case SORT_SIZE:
		return (a->size > b->size) - (a->size < b->size);
	case SORT_SUBJECT:
	case SORT_FROM:
	case SORT_TO:
	case SORT_CC:
	case SORT_DISPLAYFROM:
	case SORT_DISPLAYTO:
	case SORT_BY:
		break;
	}
	return slice_compare(a->text[by - SORT_SUBJECT],
	    b->text[by - SORT_SUBJECT]);
}

static int
compare(const void *x, const void *y, void *arg)
{
	const struct sort_row	*a = x, *b = y;
	const struct sort_order	*o = arg;
	size_t			 i;
	int			 d;

	for (i = 0; i < o->n; i++) {
		d = compare_by(a, b, o->key[i].by);
		if (d != 0)
			return o->key[i].reverse ? -d : d;
	}
	return (a->uid > b->uid) - (a->uid < b->uid);
}

void
sort_rows(struct sort_row *row, size_t n, const struct sort_order *o)
{
	qsort_r(row, n, sizeof(*row), compare, (void *)(uintptr_t)o);
}
