/* A message read in pieces of a size, for what takes a reader. */
#ifndef TESTS_PIECE_READ_H
#define TESTS_PIECE_READ_H

#include <sys/types.h>
#include <errno.h>
#include <string.h>

#include "lib/base/slice.h"

struct pieces {
	struct slice	 msg;
	size_t		 step;		/* octets at most */
	size_t		 pos;
	int		 fail_at;	/* the nth reading, with EIO; 0: none */
};

static inline ssize_t
piece_read(void *ctx, void *data, size_t size)
{
	struct pieces	*p = ctx;
	size_t		 n = p->msg.len - p->pos;

	if (p->fail_at > 0 && --p->fail_at == 0) {
		errno = EIO;
		return -1;
	}
	if (n > p->step)
		n = p->step;
	if (n > size)
		n = size;
	memcpy(data, p->msg.ptr + p->pos, n);
	p->pos += n;
	return (ssize_t)n;
}

#endif
