/* Names of messages.  Contract in maildir.h.  Pure. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/store/letter.h"
#include "lib/store/maildir.h"

#define TIME_DIGITS	12

/* Base 36 of a 32-bit number, not 0; 0 for anything else. */
static uint32_t
base36(struct slice s)
{
	uint64_t	 v = 0;
	size_t		 i;
	char		 c;

	if (s.len > 7)
		return 0;
	for (i = 0; i < s.len; i++) {
		c = s.ptr[i];
		if (text_is_digit(c))
			v = v * 36 + (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'z')
			v = v * 36 + (uint64_t)(c - 'a' + 10);
		else
			return 0;
	}
	return v > UINT32_MAX ? 0 : (uint32_t)v;
}

static uint32_t
flag_of(char c)
{
	switch (c) {
	case 'D':
		return LETTER_DRAFT;
	case 'F':
		return LETTER_FLAGGED;
	case 'P':
		return LETTER_PASSED;
	case 'R':
		return LETTER_ANSWERED;
	case 'S':
		return LETTER_SEEN;
	case 'T':
		return LETTER_DELETED;
	default:
		return 0;
	}
}

/* "validity.uid" */
static void
parse_uid(struct slice v, struct maildir_name *out)
{
	const char	*dot = v.len == 0 ? NULL : memchr(v.ptr, '.', v.len);
	struct slice	 left, right;
	uint64_t	 uid;

	if (dot == NULL || out->validity != 0)
		return;
	left.ptr = v.ptr;
	left.len = (size_t)(dot - v.ptr);
	right.ptr = dot + 1;
	right.len = v.len - left.len - 1;
	if (base36(left) == 0 || text_u64(right, UINT32_MAX, &uid) == -1 ||
	    uid == 0)
		return;
	out->validity = base36(left);
	out->uid = (uint32_t)uid;
}

static void
parse_key(struct slice key, struct maildir_name *out)
{
	struct slice	 v = { key.ptr + 2, key.len - 2 };
	uint64_t	*n;

	if (key.len < 3 || key.ptr[1] != '=')
		return;
	switch (key.ptr[0]) {
	case 'I':
		parse_uid(v, out);
		return;
	case 'S':
		n = &out->size;
		break;
	case 'W':
		n = &out->wire;
		break;
	default:
		return;
	}
	/* INT64_MAX: no file is larger, and sums of two cannot overflow. */
	if (*n == UINT64_MAX && text_u64(v, INT64_MAX, n) == -1)
		*n = UINT64_MAX;
}

bool
maildir_name_parse(const char *name, struct maildir_name *out)
{
	struct slice	 key;
	size_t		 len = strnlen(name, MAILDIR_NAME_MAX + 1);
	const char	*p;

	memset(out, 0, sizeof(*out));
	out->size = out->wire = UINT64_MAX;
	if (len == 0 || len > MAILDIR_NAME_MAX || *name == '.' ||
	    strchr(name, '/') != NULL)
		return false;
	out->base.ptr = name;
	out->base.len = strcspn(name, ",:");
	for (p = name + out->base.len; *p == ','; p += key.len) {
		key.ptr = ++p;
		key.len = strcspn(p, ",:");
		parse_key(key, out);
	}
	out->info.ptr = name + len;
	if (strncmp(p, ":2,", 3) == 0) {
		out->has_info = true;
		out->info = slice_str(p + 3);
	}
	return true;
}

void
maildir_name_sizes(uint64_t size, uint64_t wire, char out[64])
{
	int	 n = 0;

	out[0] = '\0';
	if (size != UINT64_MAX)
		n = snprintf(out, 64, ",S=%llu", (unsigned long long)size);
	if (wire != UINT64_MAX)
		snprintf(out + n, (size_t)(64 - n), ",W=%llu",
		    (unsigned long long)wire);
}

int64_t
maildir_name_time(const char *name)
{
	int64_t	 t = 0;
	size_t	 i;

	for (i = 0; i < TIME_DIGITS && text_is_digit(name[i]); i++)
		t = t * 10 + (name[i] - '0');
	return i == 0 || name[i] != '.' ? 0 : t;
}

int
maildir_name_key(const char *name, uint32_t validity, uint32_t uid,
    char out[300])
{
	static const char	 digits[] =
	    "0123456789abcdefghijklmnopqrstuvwxyz";
	char			 v[8];
	const char		*p;
	size_t			 len = strcspn(name, ",:"), key;
	int			 i = sizeof(v) - 1;

	memcpy(out, name, len);
	for (p = name + len; *p == ','; p += key) {
		key = 1 + strcspn(p + 1, ",:");
		if (strncmp(p, ",I=", 3) == 0)
			continue;
		memcpy(out + len, p, key);
		len += key;
	}
	for (v[i] = '\0'; validity > 0; validity /= 36)
		v[--i] = digits[validity % 36];
	len += (size_t)snprintf(out + len, 300 - len, ",I=%s.%lu%s", v + i,
	    (unsigned long)uid, *p == '\0' ? ":2," : p);
	if (len > MAILDIR_NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

void
maildir_name_flags(const struct maildir_name *m, uint32_t *flags,
    uint32_t *keywords)
{
	size_t	 i;
	char	 c;

	*flags = *keywords = 0;
	for (i = 0; i < m->info.len; i++) {
		c = m->info.ptr[i];
		if (c >= 'a' && c <= 'z')
			*keywords |= 1u << (c - 'a');
		else
			*flags |= flag_of(c);
	}
}

int
maildir_name_with_flags(const char *name, uint32_t flags, uint32_t keywords,
    char out[300])
{
	struct maildir_name	 m;
	char			 set[256];
	size_t			 n = 0, len;
	int			 c, i;

	if (!maildir_name_parse(name, &m) || (!m.has_info &&
	    strchr(name, ':') != NULL)) {
		errno = EINVAL;		/* flags of a kind we do not know */
		return -1;
	}
	for (c = '!'; c <= '~'; c++) {
		if (c >= 'a' && c <= 'z')
			i = (keywords >> (c - 'a') & 1) != 0;
		else if (flag_of((char)c) != 0)
			i = (flags & flag_of((char)c)) != 0;
		else
			i = m.info.len > 0 &&
			    memchr(m.info.ptr, c, m.info.len) != NULL;
		if (i)
			set[n++] = (char)c;
	}
	len = strcspn(name, ":");
	if (len + 3 + n > MAILDIR_NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(out, 300, "%.*s:2,%.*s", (int)len, name, (int)n, set);
	return 0;
}
