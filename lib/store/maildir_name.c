/* Names of messages.  Contract in maildir.h.  Pure. */
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
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
