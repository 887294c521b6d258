/* A lexer over octets in memory, for tests of what takes its words from one. */
#ifndef TESTS_LEX_FEED_H
#define TESTS_LEX_FEED_H

#include <stdint.h>
#include <string.h>

#include "lib/net/imap_lex.h"

static struct lex_feed {
	const char	*data;
	size_t		 len;
	size_t		 piece;		/* at most so much in one read */
} lex_feed;

static inline ssize_t
lex_feed_read(struct stream *s, void *to, size_t len)
{
	size_t	 n = lex_feed.len < len ? lex_feed.len : len;

	(void)s;
	if (n > lex_feed.piece)
		n = lex_feed.piece;
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

static inline void
lex_feed_start(struct imap_lex *l, struct stream *s, const char *data,
    size_t len, const struct imap_limits *limit)
{
	lex_feed.data = data;
	lex_feed.len = len;
	lex_feed.piece = SIZE_MAX;
	stream_init(s, -1, -1, 1000, 0);
	s->read = lex_feed_read;
	s->write = lex_feed_write;
	s->pending = lex_feed_pending;
	imap_lex_init(l, s, limit);
}

/* The command's tag and name are taken; false: they could not be. */
static inline bool
lex_feed_begin(struct imap_lex *l, struct stream *s, const char *data,
    size_t len)
{
	static const struct imap_limits	 limit = { 65536, 65536, true, 40 };
	struct slice			 name;

	lex_feed_start(l, s, data, len, &limit);
	return imap_lex_begin(l, &name);
}

static inline void
lex_feed_end(struct imap_lex *l, struct stream *s)
{
	imap_lex_free(l);
	stream_free(s);
}

#endif
