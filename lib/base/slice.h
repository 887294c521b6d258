/* A borrowed run of octets.  NUL is data; the length decides. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
	const char	*ptr;
	size_t		 len;
};

#define SLICE_LIT(s)	((struct slice){ "" s, sizeof(s) - 1 })

/* Borrow the C string s. */
static inline struct slice
slice_str(const char *s)
{
	struct slice	 sl = { s, strlen(s) };

	return sl;
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || !memcmp(a.ptr, b.ptr, a.len));
}

/* As memcmp(); where one ends, the shorter comes first. */
static inline int
slice_compare(struct slice a, struct slice b)
{
	size_t	 n = a.len < b.len ? a.len : b.len;
	int	 d = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);

	return d != 0 ? d : (a.len > b.len) - (a.len < b.len);
}

/* Compare with a C string, ASCII case ignored. */
static inline bool
slice_is(struct slice a, const char *s)
{
	return a.len == strlen(s) &&
	    (a.len == 0 || strncasecmp(a.ptr, s, a.len) == 0);
}

#endif
