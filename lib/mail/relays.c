/* Contract in relays.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/address.h"
#include "lib/mail/relays.h"

#define ERRORS_MAX	20

struct relays {
	char		 *text;		/* lower case, lines ended by NUL */
	const char	**line;		/* sorted */
	size_t		  n, room;
	unsigned int	  errors;
};

static int
relays_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
relays_add(struct relays *r, const char *line)
{
	if (r->n == r->room) {
		r->room = r->room == 0 ? 64 : 2 * r->room;
		r->line = xreallocarray(r->line, r->room, sizeof(*r->line));
	}
	r->line[r->n++] = line;
}

/* "local@domain" or "@domain", no blanks. */
static bool
relays_good(const char *s)
{
	const char	*at = strrchr(s, '@');

	return at != NULL && at[1] != '\0' && strlen(s) <= ADDRESS_MAX &&
	    strcspn(s, " \t\r") == strlen(s);
}

struct relays *
relays_parse(const char *name, const char *data, size_t len, struct buf *err)
{
	struct relays	*r = xcalloc(1, sizeof(*r));
	unsigned int	 no = 0;
	struct slice	 s;
	char		*p, *nl;

	r->text = xmalloc(len + 1);
	memcpy(r->text, data, len);
	r->text[len] = '\0';
	for (p = r->text; p < r->text + len; p = nl + 1) {
		no++;
		if ((nl = memchr(p, '\n', (size_t)(r->text + len - p))) ==
		    NULL)
			nl = r->text + len;
		s = (struct slice){ p, (size_t)(nl - p) };
		if (s.len > 0 && s.ptr[s.len - 1] == '\r')
			s.len--;
		s = text_trim(s);
		if (s.len == 0 || *s.ptr == '#')
			continue;
		p += s.ptr - p;
		p[s.len] = '\0';
		text_lower_str(p);
		if (strlen(p) == s.len && relays_good(p))
			relays_add(r, p);
		else if (r->errors++ < ERRORS_MAX)
			(void)buf_addf(err, "%s:%u: neither local@domain nor "
			    "@domain: %.100s\n", name, no, p);
	}
	if (r->n > 0)
		qsort(r->line, r->n, sizeof(*r->line), relays_compare);
	return r;
}

void
relays_free(struct relays *r)
{
	if (r == NULL)
		return;
	free(r->text);
	free(r->line);
	free(r);
}

size_t
relays_count(const struct relays *r)
{
	return r->n;
}

bool
relays_spoilt(const struct relays *r)
{
	return r->errors > 0;
}

bool
relays_has(const struct relays *r, const char *local, const char *domain)
{
	char		 key[ADDRESS_MAX + 2];
	const char	*p = key;
	int		 n;

	n = snprintf(key, sizeof(key), "%s@%s", local, domain);
	if (n < 0 || (size_t)n >= sizeof(key) || r->n == 0)
		return false;
	text_lower_str(key);
	if (bsearch(&p, r->line, r->n, sizeof(*r->line), relays_compare) !=
	    NULL)
		return true;
	p = strrchr(key, '@');
	return bsearch(&p, r->line, r->n, sizeof(*r->line),
	    relays_compare) != NULL;
}
