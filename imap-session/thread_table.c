/* Texts to nodes.  Contract in thread_parts.h. */
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>

#include "imap-session/thread_parts.h"
#include "lib/base/xmalloc.h"

#define FIRST	1024

static uint64_t
hash(uint64_t seed, struct slice s)
{
	const uint64_t	 k = 0x9e3779b97f4a7c15u;
	uint64_t	 h = seed, w;
	size_t		 i;

	for (i = 0; i + 8 <= s.len; i += 8) {
		memcpy(&w, s.ptr + i, 8);
		h = (h ^ w) * k;
		h ^= h >> 29;
	}
	for (; i < s.len; i++)
		h = (h ^ (unsigned char)s.ptr[i]) * k;
	h = (h ^ s.len ^ h >> 32) * k;
	return h ^ h >> 29;
}

void
thread_table_init(struct thread_table *t)
{
	t->mask = FIRST - 1;
	t->used = 0;
	t->entry = xcalloc(FIRST, sizeof(t->entry[0]));
	arc4random_buf(&t->seed, sizeof(t->seed));
}

/* Where it is or would be. */
static struct thread_entry *
find(const struct thread_table *t, struct slice text)
{
	size_t	 i = (size_t)hash(t->seed, text) & t->mask;

	while (t->entry[i].text.ptr != NULL &&
	    !slice_eq(t->entry[i].text, text))
		i = (i + 1) & t->mask;
	return &t->entry[i];
}

static void
grow(struct thread_table *t)
{
	struct thread_entry	*old = t->entry;
	size_t			 i, n = t->mask + 1;

	t->mask = 2 * n - 1;
	t->entry = xcalloc(2 * n, sizeof(t->entry[0]));
	for (i = 0; i < n; i++)
		if (old[i].text.ptr != NULL)
			*find(t, old[i].text) = old[i];
	free(old);
}

struct thread_entry *
thread_table_at(struct thread_table *t, struct slice text)
{
	struct thread_entry	*e;

	if (2 * t->used > t->mask)
		grow(t);
	e = find(t, text);
	if (e->text.ptr == NULL) {
		e->text = text;
		t->used++;
	}
	return e;
}

void
thread_table_free(struct thread_table *t)
{
	free(t->entry);
	memset(t, 0, sizeof(*t));
}
