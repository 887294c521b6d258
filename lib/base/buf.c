/* Contract in buf.h. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/xmalloc.h"

void
buf_init(struct buf *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->max = max;
}

void
buf_free(struct buf *b)
{
	free(b->ptr);
	buf_init(b, b->max);
}

void
buf_clear(struct buf *b)
{
	buf_cut(b, 0);
}

char *
buf_reserve(struct buf *b, size_t len)
{
	size_t	 want;

	if (len > b->max - b->len) {
		errno = EMSGSIZE;
		return NULL;
	}
	if (b->ptr == NULL || len >= b->size - b->len) {
		want = b->size < 64 ? 64 : b->size;
		while (want - b->len <= len)
			want *= 2;
		if (want > b->max + 1)
			want = b->max + 1;
		b->ptr = xreallocarray(b->ptr, want, 1);
		b->size = want;
		b->ptr[b->len] = '\0';
	}
	return b->ptr + b->len;
}

int
buf_add(struct buf *b, const void *data, size_t len)
{
	char	*p;

	if ((p = buf_reserve(b, len)) == NULL)
		return -1;
	if (len > 0)
		memcpy(p, data, len);
	b->len += len;
	b->ptr[b->len] = '\0';
	return 0;
}

int
buf_addstr(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int
buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list	 again;
	char	*p;
	int	 n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || (p = buf_reserve(b, (size_t)n)) == NULL)
		return -1;
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
	return 0;
}

int
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list	 ap;
	int	 r;

	va_start(ap, fmt);
	r = buf_vaddf(b, fmt, ap);
	va_end(ap);
	return r;
}

void
buf_cut(struct buf *b, size_t len)
{
	b->len = len;
	if (b->ptr != NULL)
		b->ptr[len] = '\0';
}

void
buf_consume(struct buf *b, size_t len)
{
	if (len == 0)
		return;
	b->len -= len;
	memmove(b->ptr, b->ptr + len, b->len);
	b->ptr[b->len] = '\0';
}

const char *
buf_cstr(const struct buf *b)
{
	return b->ptr == NULL ? "" : b->ptr;
}

struct slice
buf_slice(const struct buf *b)
{
	struct slice	 s = { buf_cstr(b), b->len };

	return s;
}
