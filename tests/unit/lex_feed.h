/* A lexer over octets in memory, for tests of what takes its words from one. */
#ifndef TESTS_LEX_FEED_H
#define TESTS_LEX_FEED_H

#include <string.h>

#include "lib/net/imap_lex.h"

static struct lex_feed {
	const char	*data;
	size_t		 len;
} lex_feed;

static inline ssize_t
lex_feed_read(struct stream *s, void *to, size_t len)
{
	size_t	 n = lex_feed.len < len ? lex_feed.len : len;

	(void)s;
	memcpy(to, lex_feed.data, n);
	lex_feed.data += n;
	lex_feed.len -= n;
	return (ssize_t)n;
}

static inline ssize_t
lex_feed_write(struct stream *s, const void *from, size_t len)
{
	(void)s;
	(void)from;
	return (ssize_t)len;
}

static inline bool
lex_feed_pending(struct stream *s)
{
	(void)s;
	return true;
}

/* The command's tag and name are taken; false: they could not be. */
static inline bool
lex_feed_begin(struct imap_lex *l, struct stream *s, const char *data,
    size_t len)
{
	static const struct imap_limits	 limit = { 65536, 65536, true, 40 };
	struct slice			 name;

	lex_feed.data = data;
	lex_feed.len = len;
	stream_init(s, -1, -1, 1000, 0);
	s->read = lex_feed_read;
	s->write = lex_feed_write;
	s->pending = lex_feed_pending;
	imap_lex_init(l, s, &limit);
	return imap_lex_begin(l, &name);
}

static inline void
lex_feed_end(struct imap_lex *l, struct stream *s)
{
	imap_lex_free(l);
	stream_free(s);
}

#endif
