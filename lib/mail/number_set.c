/* Contract in number_set.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xmalloc.h"
#include "lib/mail/number_set.h"

static void
grow(struct number_set *s, size_t n)
{
	if (n <= s->room)
		return;
	s->room = n < 8 ? 8 : n + n / 2;
	s->range = xreallocarray(s->range, s->room, sizeof(*s->range));
}

/* Make `before' right from range i on. */
static void
recount(struct number_set *s, size_t i)
{
	uint32_t	 before = 0;

	if (i > 0)
		before = s->range[i - 1].before +
		    (s->range[i - 1].last - s->range[i - 1].first) + 1;
	for (; i < s->n; i++) {
		s->range[i].before = before;
		before += s->range[i].last - s->range[i].first + 1;
	}
}

/* At or above the end of all there is, ranges that touch become one. */
static void
push(struct number_set *s, uint32_t first, uint32_t last)
{
	struct number_range	*end = s->n == 0 ? NULL : &s->range[s->n - 1];

	if (end != NULL && first - 1 <= end->last) {
		if (last > end->last)
			end->last = last;
		return;
	}
	grow(s, s->n + 1);
	s->range[s->n++] = (struct number_range){ .first = first,
	    .last = last };
	recount(s, s->n - 1);
}

/* The first range that ends at v or above; n when there is none. */
static size_t
find(const struct number_set *s, uint32_t v)
{
	size_t	 low = 0, high = s->n, mid;

	if (s->n > 0 && s->range[s->n - 1].last < v)
		return s->n;
	while (low < high) {
		mid = low + (high - low) / 2;
		if (s->range[mid].last < v)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Put n others in the place of the ranges from i up to, without, j. */
static void
splice(struct number_set *s, size_t i, size_t j,
    const struct number_range *others, size_t n)
{
	grow(s, s->n - (j - i) + n);
	if (j < s->n && j != i + n)
		memmove(s->range + i + n, s->range + j,
		    (s->n - j) * sizeof(*s->range));
	memcpy(s->range + i, others, n * sizeof(*others));
	s->n = s->n - (j - i) + n;
	recount(s, i);
}

/* Let s be what was built, whose ranges are counted already. */
static void
become(struct number_set *s, struct number_set *built)
{
	number_set_free(s);
	*s = *built;
}

void
number_set_free(struct number_set *s)
{
	free(s->range);
	memset(s, 0, sizeof(*s));
}

void
number_set_clear(struct number_set *s)
{
	s->n = 0;
}

void
number_set_copy(struct number_set *to, const struct number_set *from)
{
	grow(to, from->n);
	if (from->n > 0)
		memcpy(to->range, from->range,
		    from->n * sizeof(*from->range));
	to->n = from->n;
}

void
number_set_add(struct number_set *s, uint32_t first, uint32_t last)
{
	struct number_range	 r;
	size_t			 i, j;

	if (first == 0)
		first = 1;
	if (first > last)
		return;
	if (s->n == 0 || first >= s->range[s->n - 1].first) {
		push(s, first, last);
		return;
	}
	i = j = find(s, first - 1);
	r = (struct number_range){ .first = first, .last = last };
	while (j < s->n && s->range[j].first - 1 <= last)
		j++;
	if (j > i) {
		if (s->range[i].first < first)
			r.first = s->range[i].first;
		if (s->range[j - 1].last > last)
			r.last = s->range[j - 1].last;
	}
	splice(s, i, j, &r, 1);
}

void
number_set_remove(struct number_set *s, uint32_t first, uint32_t last)
{
	struct number_range	 rest[2];
	size_t			 i, j, n = 0;

	if (first == 0)
		first = 1;
	if (first > last)
		return;
	i = j = find(s, first);
	while (j < s->n && s->range[j].first <= last)
		j++;
	if (i == j)
		return;
	if (s->range[i].first < first)
		rest[n++] = (struct number_range){
		    .first = s->range[i].first, .last = first - 1 };
	if (s->range[j - 1].last > last)
		rest[n++] = (struct number_range){
		    .first = last + 1, .last = s->range[j - 1].last };
	splice(s, i, j, rest, n);
}

void
number_set_add_set(struct number_set *s, const struct number_set *more)
{
	struct number_set		 out = { 0 };
	const struct number_range	*r;
	size_t				 i = 0, j = 0;

	if (more->n == 0)
		return;
	if (more->n == 1 || s->n == 0 ||
	    more->range[0].first >= s->range[s->n - 1].first) {
		for (j = 0; j < more->n; j++)
			number_set_add(s, more->range[j].first,
			    more->range[j].last);
		return;
	}
	while (i < s->n || j < more->n) {
		if (j == more->n || (i < s->n &&
		    s->range[i].first <= more->range[j].first))
			r = &s->range[i++];
		else
			r = &more->range[j++];
		push(&out, r->first, r->last);
	}
	become(s, &out);
}

void
number_set_remove_set(struct number_set *s, const struct number_set *less)
{
	struct number_set		 out = { 0 };
	const struct number_range	*l;
	uint32_t			 first;
	size_t				 i, j = 0;

	if (less->n == 1)
		number_set_remove(s, less->range[0].first,
		    less->range[0].last);
	if (less->n <= 1)
		return;
	for (i = 0; i < s->n; i++) {
		first = s->range[i].first;
		while (j < less->n && less->range[j].last < first)
			j++;
		for (; j < less->n; j++) {
			l = &less->range[j];
			if (l->first > s->range[i].last)
				break;
			if (l->first > first)
				push(&out, first, l->first - 1);
			if (l->last >= s->range[i].last) {
				first = 0;
				break;
			}
			first = l->last + 1;
		}
		if (first != 0)
			push(&out, first, s->range[i].last);
	}
	become(s, &out);
}

void
number_set_intersect(struct number_set *s, const struct number_set *with)
{
	struct number_set		 out = { 0 };
	const struct number_range	*a, *b;
	size_t				 i = 0, j = 0;
	uint32_t			 first, last;

	while (i < s->n && j < with->n) {
		a = &s->range[i];
		b = &with->range[j];
		first = a->first > b->first ? a->first : b->first;
		last = a->last < b->last ? a->last : b->last;
		if (first <= last)
			push(&out, first, last);
		if (a->last <= b->last)
			i++;
		else
			j++;
	}
	become(s, &out);
}

uint32_t
number_set_count(const struct number_set *s)
{
	const struct number_range	*r;

	if (s->n == 0)
		return 0;
	r = &s->range[s->n - 1];
	return r->before + (r->last - r->first) + 1;
}

bool
number_set_has(const struct number_set *s, uint32_t v)
{
	size_t	 i = find(s, v);

	return v != 0 && i < s->n && s->range[i].first <= v;
}

/* The range in which a position, which must be there, lies. */
static size_t
find_position(const struct number_set *s, uint32_t position)
{
	size_t	 low = 0, high = s->n - 1, mid;

	while (low < high) {
		mid = low + (high - low + 1) / 2;
		if (s->range[mid].before < position)
			low = mid;
		else
			high = mid - 1;
	}
	return low;
}

uint32_t
number_set_at(const struct number_set *s, uint32_t position)
{
	const struct number_range	*r;

	if (position == 0 || position > number_set_count(s))
		return 0;
	r = &s->range[find_position(s, position)];
	return r->first + (position - r->before - 1);
}

uint32_t
number_set_position(const struct number_set *s, uint32_t v)
{
	size_t	 i = find(s, v);

	if (v == 0 || i == s->n || s->range[i].first > v)
		return 0;
	return s->range[i].before + (v - s->range[i].first) + 1;
}

void
number_set_at_set(const struct number_set *s, const struct number_set *where,
    struct number_set *out)
{
	const struct number_range	*r;
	uint32_t			 count = number_set_count(s);
	uint32_t			 p, last, n;
	size_t				 i = 0, j;

	number_set_clear(out);
	for (j = 0; j < where->n && where->range[j].first <= count; j++) {
		p = where->range[j].first;
		last = where->range[j].last;
		if (last > count)
			last = count;
		if (s->range[i].before + (s->range[i].last -
		    s->range[i].first) + 1 < p)
			i = find_position(s, p);
		for (; p <= last; p += n, i++) {
			r = &s->range[i];
			n = r->last - r->first + 1 - (p - r->before - 1);
			if (n > last - p) {
				n = last - p + 1;
				push(out, r->first + (p - r->before - 1),
				    r->first + (p - r->before - 1) + n - 1);
				break;
			}
			push(out, r->last - n + 1, r->last);
		}
	}
}

void
number_set_positions(const struct number_set *s,
    const struct number_set *numbers, struct number_set *out)
{
	const struct number_range	*a, *b;
	size_t				 i, j = 0;
	uint32_t			 first, last;

	number_set_clear(out);
	if (numbers->n == 0)
		return;
	i = find(s, numbers->range[0].first);
	while (i < s->n && j < numbers->n) {
		a = &s->range[i];
		b = &numbers->range[j];
		first = a->first > b->first ? a->first : b->first;
		last = a->last < b->last ? a->last : b->last;
		if (first <= last)
			push(out, a->before + (first - a->first) + 1,
			    a->before + (last - a->first) + 1);
		if (a->last <= b->last)
			i++;
		else
			j++;
	}
}

uint32_t
number_set_next(const struct number_set *s, uint32_t from)
{
	size_t	 i = find(s, from);

	if (i == s->n)
		return 0;
	return s->range[i].first > from ? s->range[i].first : from;
}

/* nz-number or "*", which gives largest. */
static bool
take_number(struct slice *text, uint32_t largest, uint32_t *out)
{
	uint64_t	 v = 0;
	size_t		 i = 0;

	if (text->len > 0 && *text->ptr == '*') {
		*out = largest;
		text->ptr++;
		text->len--;
		return true;
	}
	for (; i < text->len && text->ptr[i] >= '0' && text->ptr[i] <= '9';
	    i++) {
		v = v * 10 + (uint64_t)(text->ptr[i] - '0');
		if (v == 0 || v > UINT32_MAX)
			return false;
	}
	*out = (uint32_t)v;
	text->ptr += i;
	text->len -= i;
	return i > 0;
}

static bool
take_char(struct slice *text, char c)
{
	if (text->len == 0 || *text->ptr != c)
		return false;
	text->ptr++;
	text->len--;
	return true;
}

static int
compare(const void *va, const void *vb)
{
	const struct number_range	*a = va, *b = vb;

	return a->first < b->first ? -1 : a->first > b->first;
}

/* Ranges that may overlap, and in any order unless sorted, become a set. */
static void
settle(struct number_set *s, bool sorted)
{
	size_t	 i, n = s->n;

	if (!sorted)
		qsort(s->range, n, sizeof(*s->range), compare);
	s->n = 0;
	/* push() writes at or before the place that is read. */
	for (i = 0; i < n; i++)
		push(s, s->range[i].first, s->range[i].last);
}

int
number_set_parse(struct slice text, uint32_t largest, size_t max,
    struct number_set *out)
{
	uint32_t	 a, b, swap;
	size_t		 n = 0;
	bool		 sorted = true;

	number_set_clear(out);
	do {
		if (!take_number(&text, largest, &a))
			goto invalid;
		b = a;
		if (take_char(&text, ':') && !take_number(&text, largest, &b))
			goto invalid;
		if (n++ == max) {
			number_set_clear(out);
			errno = EMSGSIZE;
			return -1;
		}
		if (a == 0 || b == 0)
			continue;	/* "*" of an empty mailbox */
		if (a > b) {
			swap = a;
			a = b;
			b = swap;
		}
		if (out->n > 0 && a < out->range[out->n - 1].first)
			sorted = false;
		grow(out, out->n + 1);
		out->range[out->n++] = (struct number_range){ .first = a,
		    .last = b };
	} while (take_char(&text, ','));
	if (text.len != 0)
		goto invalid;
	if (out->n > 0)
		settle(out, sorted);
	return 0;
invalid:
	number_set_clear(out);
	errno = EINVAL;
	return -1;
}

/* In decimal, before end.  Large sets are many of these: no printf. */
static char *
put_number(char *end, uint32_t v)
{
	do {
		*--end = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	return end;
}

int
number_set_format(const struct number_set *s, struct buf *out)
{
	char	 text[32], *end = text + sizeof(text), *p;
	size_t	 i, len = out->len;

	for (i = 0; i < s->n; i++) {
		p = put_number(end, s->range[i].last);
		if (s->range[i].first != s->range[i].last) {
			*--p = ':';
			p = put_number(p, s->range[i].first);
		}
		if (i > 0)
			*--p = ',';
		if (buf_add(out, p, (size_t)(end - p)) == -1)
			goto full;
	}
	return 0;
full:
	buf_cut(out, len);
	errno = EMSGSIZE;
	return -1;
}
