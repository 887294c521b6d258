/* Inside queue_item and queue_dest: the words of a listing's lines. */
#ifndef STORE_QUEUE_WORDS_H
#define STORE_QUEUE_WORDS_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

/* key, as " code=", then the value.  0, or -1: no room. */
int	 queue_put(struct buf *out, const char *key, const char *value);
/*
 * Take "KEY=VALUE" and the blank after it off the front of line.  0, or -1:
 * it begins otherwise.
 */
int	 queue_take(struct slice *line, const char *key, char *out,
	    size_t size);
int	 queue_take_number(struct slice *line, const char *key, uint64_t max,
	    uint64_t *out);
/* One of n names; its place. */
int	 queue_take_name(struct slice *line, const char *key,
	    const char *const *names, size_t n, size_t *out);
/* -1 with errno EINVAL. */
int	 queue_invalid(void);

#endif
