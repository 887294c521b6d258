/* Contract in lf_reader.h. */
#include <errno.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/store/lf_reader.h"

void
lf_reader_init(struct lf_reader *r, struct slice head, int fd, off_t offset,
    uint64_t len)
{
	memset(r, 0, sizeof(*r));
	r->head = head;
	r->fd = fd;
	r->offset = offset;
	r->left = len;
}

/*
 * Take the CRs out of p's CRLFs in place; the new length.  p does not begin
 * with the LF of a CRLF: the caller never splits one.
 */
size_t
lf_reader_convert(struct lf_reader *r, char *p, size_t len)
{
	char	*from = p, *to = p, *end = p + len, *lf;
	size_t	 n;

	while (from < end && (lf = memchr(from, '\n', (size_t)(end - from)))) {
		n = (size_t)(lf - from);
		/* from[-1] would be an LF: what counts is a CR in from. */
		if (n > 0 && lf[-1] == '\r') {
			if ((n > 1 ? lf[-2] : from == p ? r->last : '\n') !=
			    '\r') {
				n--;
				r->wire++;
			}
		} else
			r->wire++;
		if (to != from)
			memmove(to, from, n);
		to += n;
		*to++ = '\n';
		from = lf + 1;
	}
	n = (size_t)(end - from);
	if (to != from && n > 0)
		memmove(to, from, n);
	to += n;
	if (len > 0)
		r->last = end[-1];
	r->stored += (uint64_t)(to - p);
	r->wire += (uint64_t)(to - p);
	return (size_t)(to - p);
}

static size_t
take_head(struct lf_reader *r, char *buf, size_t size)
{
	size_t	 n = r->head.len < size ? r->head.len : size;

	if (n == 0)
		return 0;
	if (n > 1 && n < r->head.len && r->head.ptr[n - 1] == '\r')
		n--;
	memcpy(buf, r->head.ptr, n);
	r->head.ptr += n;
	r->head.len -= n;
	return lf_reader_convert(r, buf, n);
}

ssize_t
lf_reader_next(struct lf_reader *r, char *buf, size_t size)
{
	size_t	 got, n;
	ssize_t	 in;

	got = take_head(r, buf, size);
	size -= got;
	if (size > LF_READER_PIECE)
		size = LF_READER_PIECE;
	n = r->left < size ? (size_t)r->left : size;
	if (r->head.len > 0 || n == 0 || (n == 1 && r->left > 1))
		return (ssize_t)got;
	if ((in = io_pread_full(r->fd, buf + got, n, r->offset)) == -1)
		return -1;
	if ((size_t)in < n) {
		errno = EIO;
		return -1;
	}
	/* A CR at the end may have its LF in the next piece. */
	if (n < r->left && buf[got + n - 1] == '\r')
		n--;
	r->offset += (off_t)n;
	r->left -= n;
	return (ssize_t)(got + lf_reader_convert(r, buf + got, n));
}
