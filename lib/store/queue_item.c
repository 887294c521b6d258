/* The lines of a listing and what selects messages: queue_list.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "lib/base/text.h"
#include "lib/store/queue_list.h"
#include "lib/store/queue_words.h"
#include "lib/store/spool.h"

static const char *const where_names[] = {
	[QUEUE_NEW] = "new",
	[QUEUE_DEFERRED] = "deferred",
	[QUEUE_ACTIVE] = "active",
	[QUEUE_HOLD] = "hold",
};

#define LEN(a)	(sizeof(a) / sizeof((a)[0]))

int
queue_invalid(void)
{
	errno = EINVAL;
	return -1;
}

const char *
queue_where_name(enum queue_where where)
{
	return where_names[where];
}

int
queue_selector_parse(const char *text, struct queue_selector *s)
{
	static const struct {
		const char	*prefix;
		enum queue_by	 by;
	} prefixes[] = {
		{ "recipient:", BY_RECIPIENT }, { "to:", BY_RECIPIENT },
		{ "sender:", BY_SENDER }, { "from:", BY_SENDER },
		{ "domain:", BY_DOMAIN }, { "id:", BY_ID },
	};
	const char	*value = text;
	size_t		 i, n;

	memset(s, 0, sizeof(*s));
	if (strcmp(text, "all") == 0)
		return 0;
	s->by = BY_ID;
	for (i = 0; i < LEN(prefixes); i++) {
		n = strlen(prefixes[i].prefix);
		if (strncmp(text, prefixes[i].prefix, n) == 0) {
			s->by = prefixes[i].by;
			value = text + n;
			break;
		}
	}
	if (s->by == BY_SENDER && strcmp(value, "<>") == 0)
		return 0;
	if ((s->by == BY_ID && !spool_id_valid(value)) || *value == '\0' ||
	    strlcpy(s->value, value, sizeof(s->value)) >= sizeof(s->value))
		return queue_invalid();
	return 0;
}

int
queue_put(struct buf *out, const char *key, const char *value)
{
	if (buf_addstr(out, key) == -1)
		return -1;
	return text_xencode(out, slice_str(value), true);
}

int
queue_item_format(const struct queue_item *it, struct buf *out)
{
	size_t	 was = out->len;

	if (buf_addf(out, "id=%s where=%s size=%llu arrived=%lld next=%lld "
	    "rcpts=%llu pending=%llu tries=%llu", it->id, where_names[it->where],
	    (unsigned long long)it->size, (long long)it->arrived,
	    (long long)it->next, (unsigned long long)it->rcpts,
	    (unsigned long long)it->pending,
	    (unsigned long long)it->tries) == 0 &&
	    queue_put(out, " from=", it->from) == 0 &&
	    queue_put(out, " to=", it->to) == 0 &&
	    queue_put(out, " code=", it->code) == 0 &&
	    queue_put(out, " reason=", it->reason) == 0 &&
	    buf_addc(out, '\n') == 0)
		return 0;
	buf_cut(out, was);
	return -1;
}

int
queue_take(struct slice *line, const char *key, char *out, size_t size)
{
	struct slice	 v;
	struct buf	 b;
	const char	*sp;
	size_t		 n = strlen(key);
	int		 rc = -1;

	if (line->len <= n || memcmp(line->ptr, key, n) != 0 ||
	    line->ptr[n] != '=')
		return -1;
	v.ptr = line->ptr + n + 1;
	v.len = line->len - n - 1;
	if ((sp = memchr(v.ptr, ' ', v.len)) != NULL) {
		v.len = (size_t)(sp - v.ptr);
		line->len -= (size_t)(sp + 1 - line->ptr);
		line->ptr = sp + 1;
	} else
		*line = (struct slice){ "", 0 };
	buf_init(&b, size - 1);
	if (text_xdecode(&b, v) == 0 &&
	    memchr(buf_cstr(&b), '\0', b.len) == NULL) {
		memcpy(out, buf_cstr(&b), b.len + 1);
		rc = 0;
	}
	buf_free(&b);
	return rc;
}

int
queue_take_number(struct slice *line, const char *key, uint64_t max,
    uint64_t *out)
{
	char	 num[24];

	if (queue_take(line, key, num, sizeof(num)) == -1)
		return -1;
	return text_u64(slice_str(num), max, out);
}

int
queue_take_name(struct slice *line, const char *key, const char *const *names,
    size_t n, size_t *out)
{
	char	 name[16];

	if (queue_take(line, key, name, sizeof(name)) == -1)
		return -1;
	for (*out = 0; *out < n; ++*out)
		if (strcmp(names[*out], name) == 0)
			return 0;
	return -1;
}

int
queue_item_parse(struct slice line, struct queue_item *it)
{
	uint64_t	 arrived, next;
	size_t		 where;

	memset(it, 0, sizeof(*it));
	if (queue_take(&line, "id", it->id, sizeof(it->id)) == -1 ||
	    queue_take_name(&line, "where", where_names, LEN(where_names),
	    &where) == -1 ||
	    queue_take_number(&line, "size", UINT64_MAX, &it->size) == -1 ||
	    queue_take_number(&line, "arrived", INT64_MAX, &arrived) == -1 ||
	    queue_take_number(&line, "next", INT64_MAX, &next) == -1 ||
	    queue_take_number(&line, "rcpts", UINT64_MAX, &it->rcpts) == -1 ||
	    queue_take_number(&line, "pending", UINT64_MAX,
	    &it->pending) == -1 ||
	    queue_take_number(&line, "tries", UINT64_MAX, &it->tries) == -1 ||
	    queue_take(&line, "from", it->from, sizeof(it->from)) == -1 ||
	    queue_take(&line, "to", it->to, sizeof(it->to)) == -1 ||
	    queue_take(&line, "code", it->code, sizeof(it->code)) == -1 ||
	    queue_take(&line, "reason", it->reason, sizeof(it->reason)) ==
	    -1 || line.len != 0 || !spool_id_valid(it->id))
		return queue_invalid();
	it->where = (enum queue_where)where;
	it->arrived = (int64_t)arrived;
	it->next = (int64_t)next;
	return 0;
}

bool
queue_item_end(struct slice line, uint64_t *count)
{
	struct slice	 num;

	if (line.len < 5 || memcmp(line.ptr, "end ", 4) != 0)
		return false;
	num.ptr = line.ptr + 4;
	num.len = line.len - 4;
	return text_u64(num, UINT64_MAX, count) == 0;
}
