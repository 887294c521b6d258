/* Contract in dovecot_keywords.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/store/dovecot_keywords.h"

static void
parse_line(struct slice line, struct dovecot_keywords *k)
{
	const char	*space;
	struct slice	 number, name;
	uint64_t	 n;

	if (line.len == 0 || (space = memchr(line.ptr, ' ', line.len)) == NULL)
		return;
	number.ptr = line.ptr;
	number.len = (size_t)(space - line.ptr);
	name.ptr = space + 1;
	name.len = line.len - number.len - 1;
	if (text_u64(number, ACCOUNT_KEYWORDS - 1, &n) == -1 ||
	    name.len == 0 || name.len > ACCOUNT_KEYWORD_MAX ||
	    k->name[n] != NULL)
		return;
	k->name[n] = xstrndup(name.ptr, name.len);
}

void
dovecot_keywords_parse(struct slice text, int rootfd,
    struct dovecot_keywords *k)
{
	struct slice	 line;
	size_t		 i;

	memset(k, 0, sizeof(*k));
	k->account.maildirfd = rootfd;
	for (i = 0; i < ACCOUNT_KEYWORDS; i++)
		k->bit[i] = -2;
	while (text_next_line(&text, &line))
		parse_line(line, k);
}

void
dovecot_keywords_free(struct dovecot_keywords *k)
{
	size_t	 i;

	for (i = 0; i < ACCOUNT_KEYWORDS; i++) {
		free(k->name[i]);
		free(k->account.keyword[i]);
	}
	memset(k, 0, sizeof(*k));
}

uint32_t
dovecot_keywords_map(struct dovecot_keywords *k, uint32_t bits)
{
	uint32_t	 out = 0;
	size_t		 i;

	for (i = 0; i < ACCOUNT_KEYWORDS; i++) {
		if ((bits >> i & 1) == 0)
			continue;
		if (k->bit[i] == -2)
			k->bit[i] = k->name[i] == NULL ? -1 :
			    account_keyword(&k->account,
			    slice_str(k->name[i]), true);
		if (k->bit[i] >= 0)
			out |= 1u << k->bit[i];
	}
	return out;
}
