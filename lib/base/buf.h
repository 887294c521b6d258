/* A growing run of octets with a hard maximum fixed at init. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "lib/base/slice.h"

struct buf {
	char	*ptr;		/* always ptr[len] == '\0' once allocated */
	size_t	 len;
	size_t	 size;		/* allocated */
	size_t	 max;		/* len never passes it */
};

/* Start empty; nothing is allocated before the first octet arrives. */
void	 buf_init(struct buf *, size_t max);
/* Release the memory; the buffer may be used again with the same max. */
void	 buf_free(struct buf *);
/* Forget the octets, keep the memory. */
void	 buf_clear(struct buf *);

/*
 * Append.  0, or -1 with errno EMSGSIZE and the buffer as it was when the
 * result would pass max.
 */
int	 buf_add(struct buf *, const void *data, size_t len);
int	 buf_addstr(struct buf *, const char *s);
int	 buf_addf(struct buf *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
int	 buf_vaddf(struct buf *, const char *fmt, va_list ap);
/* Make room for len more octets and return where they go, or NULL. */
char	*buf_reserve(struct buf *, size_t len);

/* As buf_add() of one octet; it has no call to make where there is room. */
static inline int
buf_addc(struct buf *b, char c)
{
	if (b->len + 1 >= b->size || b->len == b->max)
		return buf_add(b, &c, 1);
	b->ptr[b->len++] = c;
	b->ptr[b->len] = '\0';
	return 0;
}

/* Keep the first len octets only, len <= the buffer's. */
void	 buf_cut(struct buf *, size_t len);
/* Drop the first len octets, len <= the buffer's. */
void	 buf_consume(struct buf *, size_t len);

/* The octets, NUL-terminated, "" when empty.  Borrowed until a change. */
const char	*buf_cstr(const struct buf *);
struct slice	 buf_slice(const struct buf *);

#endif
