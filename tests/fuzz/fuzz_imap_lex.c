/* The words of IMAP commands: octet 0 and 1 choose them, the rest is the wire. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/unit/lex_feed.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct imap_lex *l, struct slice w)
{
	volatile char	 sum = 0;
	size_t		 i;

	if (w.len > l->limit.line)
		abort();
	for (i = 0; i < w.len; i++)
		sum = (char)(sum + w.ptr[i]);
}

static bool
take_literal(struct imap_lex *l)
{
	struct slice	 d;
	uint64_t	 left;
	bool		 binary;

	if (!imap_lex_literal(l, &binary) || !imap_lex_literal_go(l))
		return false;
	for (left = l->octets; left > 0; left -= d.len) {
		if ((l->status = stream_peek(l->s, &d)) != STREAM_OK)
			return false;
		if (d.len > left)
			d.len = (size_t)left;
		stream_consume(l->s, d.len);
	}
	return imap_lex_literal_done(l);
}

static bool
take_word(struct imap_lex *l, unsigned int kind)
{
	struct slice	 w = { "", 0 };
	uint64_t	 u;
	uint32_t	 n;
	int64_t		 t;
	bool		 ok;

	switch (kind % 16) {
	case 0:		ok = imap_lex_atom(l, &w); break;
	case 1:		ok = imap_lex_string(l, &w); break;
	case 2:		ok = imap_lex_nstring(l, &w); break;
	case 3:		ok = imap_lex_list_mailbox(l, &w); break;
	case 4:		ok = imap_lex_number(l, &n); break;
	case 5:		ok = imap_lex_nz_number(l, &n) && n > 0; break;
	case 6:		ok = imap_lex_number64(l, &u) && u <= INT64_MAX; break;
	case 7:		ok = imap_lex_set(l, &w); break;
	case 8:		ok = imap_lex_flag(l, &w); break;
	case 9:		ok = imap_lex_date(l, &t); break;
	case 10:	ok = imap_lex_date_time(l, &t); break;
	case 11:	ok = take_literal(l); break;
	case 12:	ok = imap_lex_keyword(l, "BODY"); break;
	default:	ok = imap_lex_astring(l, &w); break;
	}
	if (ok)
		check(l, w);
	return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct imap_limits	 limit = { 2000, 500, true, 8 };
	struct stream			 s;
	struct imap_lex			 l;
	struct slice			 name;
	unsigned int			 kinds;

	if (len < 2)
		return 0;
	kinds = data[0];
	lex_feed_start(&l, &s, (const char *)data + 2, len - 2, &limit);
	lex_feed.piece = 1 + data[1] / 4u;
	l.limit.plus = data[1] & 1;
	l.utf8 = data[1] & 2;
	l.binary = data[0] & 1;
	while (l.status == STREAM_OK && !l.bye) {
		if (imap_lex_begin(&l, &name)) {
			check(&l, name);
			while (imap_lex_space(&l) && take_word(&l, kinds++))
				;
		}
		if (l.used > limit.line || l.p > l.end)
			abort();
		if (!imap_lex_finish(&l) && l.error == NULL &&
		    !imap_lex_at_end(&l))
			abort();
	}
	lex_feed_end(&l, &s);
	return 0;
}
