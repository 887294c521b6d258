/* Contract in data.h. */
#include <string.h>

#include "smtpd/data.h"

void
data_init(struct data *d)
{
	d->state = DATA_BOL;
}

/*
 * The run from p to the end of input, or to the CRLF before a line that
 * starts with a dot.  Returns its length and leaves the state after it.
 */
static size_t
data_scan(struct data *d, const char *start, size_t len)
{
	const char	*p = start, *end = start + len, *nl;

	while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		p = nl + 1;
		if (nl == start ? d->state != DATA_CR : nl[-1] != '\r')
			continue;
		if (p == end || *p == '.') {
			d->state = DATA_BOL;
			return (size_t)(p - start);
		}
	}
	d->state = end[-1] == '\r' ? DATA_CR : DATA_TEXT;
	return len;
}

enum data_status
data_next(struct data *d, struct slice in, struct slice *run, size_t *used)
{
	size_t	 i = 0;

	*run = (struct slice){ in.ptr, 0 };
	*used = 0;
	if (in.len == 0)
		return DATA_RUN;
	if (d->state == DATA_BOL && in.ptr[0] == '.') {
		d->state = DATA_DOT;
		i = 1;
	}
	if (d->state == DATA_DOT && i < in.len) {
		if (in.ptr[i] == '\r') {
			d->state = DATA_DOTCR;
			i++;
		} else
			d->state = DATA_TEXT;
	}
	if (d->state == DATA_DOTCR && i < in.len) {
		if (in.ptr[i] == '\n') {
			*used = i + 1;
			return DATA_END;
		}
		/* Not the end after all: the CR was content. */
		d->state = DATA_CR;
		*run = SLICE_LIT("\r");
		*used = i;
		return DATA_RUN;
	}
	if (i < in.len) {
		run->ptr = in.ptr + i;
		run->len = data_scan(d, run->ptr, in.len - i);
	}
	*used = i + run->len;
	return DATA_RUN;
}
