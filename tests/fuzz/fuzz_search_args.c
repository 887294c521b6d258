/* Arguments of SEARCH (first octet even) and SORT. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "imap-session/search_args.h"
#include "imap-session/sort.h"
#include "tests/unit/lex_feed.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Every key of the tree is one of the list, and the deepest is not too deep. */
static size_t
count(const struct search_key *k, unsigned int depth)
{
	const struct search_key	*c;
	size_t			 n = 1;

	if (depth > SEARCH_DEPTH + 2)
		abort();
	for (c = k->child; c != NULL; c = c->next)
		n += count(c, depth + 1);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct search_args	 args = { 0 };
	struct sort_order	 order;
	struct imap_lex		 lex;
	struct stream		 s;
	struct buf		 line;
	bool			 sort = len > 0 && data[0] % 2 == 1;

	buf_init(&line, len + 20);
	buf_addstr(&line, "a SEARCH ");
	if (len > 0)
		buf_add(&line, data + 1, len - 1);
	buf_addstr(&line, "\r\n");
	if (!lex_feed_begin(&lex, &s, line.ptr, line.len))
		goto end;
	if (sort && imap_lex_space(&lex) && sort_order_read(&lex, &order) &&
	    (order.n == 0 || order.n > SORT_KEYS))
		abort();
	if ((sort ? search_args_charset_name(&lex) :
	    search_args_return(&lex, &args) &&
	    search_args_charset(&lex, false)) &&
	    search_args_keys(&lex, 1000000, &args)) {
		if (lex.error != NULL || count(args.key, 0) != args.nkeys)
			abort();
	} else if (lex.error == NULL) {
		abort();
	}
	search_args_free(&args);
end:
	lex_feed_end(&lex, &s);
	buf_free(&line);
	return 0;
}
