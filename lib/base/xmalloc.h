/*
 * Allocation that never fails: when memory is gone the process says so and
 * exits EX_TEMPFAIL; its supervisor starts it again and the queue is on disk.
 * Bound every size before allocating for a peer.
 */
#ifndef BASE_XMALLOC_H
#define BASE_XMALLOC_H

#include <stddef.h>

void	*xmalloc(size_t size);
void	*xcalloc(size_t n, size_t size);
void	*xreallocarray(void *ptr, size_t n, size_t size);
char	*xstrdup(const char *s);
char	*xstrndup(const char *s, size_t len);
int	 xasprintf(char **out, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

#endif
