/* Contract in search_rows.h. */
#include <stdlib.h>
#include <string.h>

#include "imap-session/search_rows.h"
#include "lib/base/xmalloc.h"

#define BATCH	256
#define BLOCK	65536

struct search_block {
	struct search_block	*next;
	size_t			 used, size;
	char			 text[];
};

static int
fill(struct search_rows *rows, const struct search_context *ctx,
    const struct number_set *uids, bool wire, bool received)
{
	struct letter	 l[BATCH];
	uint32_t	 from = 1;
	size_t		 room = number_set_count(uids);
	ssize_t		 i, n;

	while (from != 0 && (n = folder_letters_of(ctx->folder, uids, &from,
	    l, BATCH)) != 0) {
		if (n == -1 || ((wire || received) && folder_complete(
		    ctx->folder, l, (size_t)n, wire, received) == -1))
			return -1;
		for (i = 0; i < n && rows->n < room; i++)
			if (l[i].uid != 0)
				rows->row[rows->n++] = (struct search_row){
				    l[i].uid, l[i].received, l[i].wire };
	}
	return 0;
}

int
search_rows_read(struct search_rows *rows, const struct search_context *ctx,
    const struct number_set *uids, bool wire, bool received)
{
	memset(rows, 0, sizeof(*rows));
	rows->row = xcalloc(number_set_count(uids) + (size_t)1,
	    sizeof(rows->row[0]));
	if (fill(rows, ctx, uids, wire, received) == 0)
		return 0;
	search_rows_free(rows);
	return -1;
}

void
search_rows_free(struct search_rows *rows)
{
	struct search_block	*b;

	while ((b = rows->block) != NULL) {
		rows->block = b->next;
		free(b);
	}
	free(rows->row);
	memset(rows, 0, sizeof(*rows));
}

size_t
search_rows_find(const struct search_rows *rows, uint32_t uid)
{
	size_t	 lo = 0, hi = rows->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (rows->row[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < rows->n && rows->row[lo].uid == uid ? lo : SIZE_MAX;
}

struct slice
search_rows_keep(struct search_rows *rows, struct slice text)
{
	struct search_block	*b = rows->block;
	size_t			 size;
	char			*p;

	if (text.len == 0)
		return (struct slice){ "", 0 };
	if (b == NULL || b->size - b->used < text.len) {
		size = text.len > BLOCK ? text.len : BLOCK;
		b = xmalloc(sizeof(*b) + size);
		b->next = rows->block;
		b->used = 0;
		b->size = size;
		rows->block = b;
	}
	p = b->text + b->used;
	memcpy(p, text.ptr, text.len);
	b->used += text.len;
	return (struct slice){ p, text.len };
}
