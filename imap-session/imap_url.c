/* Contract in imap_url.h. */
#include <string.h>

#include "imap-session/imap_url.h"
#include "lib/base/text.h"

void
imap_url_init(struct imap_url *u)
{
	memset(u, 0, sizeof(*u));
	buf_init(&u->user, IMAP_URL_MAX);
	buf_init(&u->host, IMAP_URL_MAX);
	buf_init(&u->mailbox, IMAP_URL_MAX);
	buf_init(&u->section, IMAP_URL_MAX);
}

void
imap_url_free(struct imap_url *u)
{
	buf_free(&u->user);
	buf_free(&u->host);
	buf_free(&u->mailbox);
	buf_free(&u->section);
	imap_url_init(u);
}

static bool
starts(struct slice s, const char *word)
{
	size_t	 n = strlen(word);

	return s.len >= n && strncasecmp(s.ptr, word, n) == 0;
}

static void
cut(struct slice *s, size_t n)
{
	s->ptr += n;
	s->len -= n;
}

/* "%20" undone; no NUL and no control octets come out of it. */
static bool
decode(struct slice s, struct buf *out)
{
	size_t	 i;
	int	 high, low;
	char	 c;

	for (i = 0; i < s.len; i++) {
		c = s.ptr[i];
		if (c == '%') {
			if (s.len - i < 3 ||
			    (high = text_hex(s.ptr[i + 1])) == -1 ||
			    (low = text_hex(s.ptr[i + 2])) == -1)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (text_is_control(c) || buf_addc(out, c) == -1)
			return false;
	}
	return true;
}

/* Up to one of the octets in stop, or to the end. */
static struct slice
until(struct slice *s, const char *stop)
{
	struct slice	 word = { s->ptr, 0 };

	while (word.len < s->len && strchr(stop, word.ptr[word.len]) == NULL)
		word.len++;
	cut(s, word.len);
	return word;
}

/* "imap://[user[;AUTH=x]@]host[:port]" */
static bool
server(struct slice *s, struct imap_url *u)
{
	struct slice	 all, user, rest;
	const char	*at;

	cut(s, strlen("imap://"));
	u->absolute = true;
	rest = all = until(s, "/");
	if ((at = memchr(all.ptr, '@', all.len)) != NULL) {
		user = (struct slice){ all.ptr, (size_t)(at - all.ptr) };
		cut(&rest, user.len + 1);
		if (!decode(until(&user, ";"), &u->user))
			return false;
	}
	if (!decode(until(&rest, ":"), &u->host) || u->host.len == 0)
		return false;
	return s->len > 0;
}

static bool
number(struct slice s, uint32_t *out)
{
	uint64_t	 v;

	if (text_u64(s, UINT32_MAX, &v) == -1 || v == 0)
		return false;
	*out = (uint32_t)v;
	return true;
}

/* "0.100" or "100", from there to the end */
static bool
range(struct slice s, struct imap_url *u)
{
	struct slice	 first = until(&s, ".");

	u->partial = true;
	u->most = INT64_MAX;
	if (text_u64(first, INT64_MAX, &u->first) == -1)
		return false;
	if (s.len == 0)
		return true;
	cut(&s, 1);
	return text_u64(s, INT64_MAX, &u->most) == 0 && u->most > 0;
}

/* "UID=3", "SECTION=1", "PARTIAL=0.1": in this order, UID always. */
static bool
message(struct slice s, struct imap_url *u)
{
	struct slice	 word;
	int		 step = 0;

	while (s.len > 0) {
		if (s.ptr[0] == '/')
			cut(&s, 1);
		if (s.len == 0 || s.ptr[0] != ';')
			return false;
		cut(&s, 1);
		word = until(&s, "/;");
		if (starts(word, "UID=") && step == 0) {
			cut(&word, 4);
			if (!number(word, &u->uid))
				return false;
			step = 1;
		} else if (starts(word, "SECTION=") && step == 1) {
			cut(&word, 8);
			/* Its own slashes are encoded. */
			if (!decode(word, &u->section) || u->section.len == 0)
				return false;
			step = 2;
		} else if (starts(word, "PARTIAL=") && (step == 1 ||
		    step == 2)) {
			cut(&word, 8);
			if (!range(word, u))
				return false;
			step = 3;
		} else {
			return false;
		}
	}
	return step > 0;
}

/* "/box;UIDVALIDITY=7", before "/;UID="; a name may have "/" in it. */
static bool
mailbox(struct slice *s, struct imap_url *u)
{
	struct slice	 name;

	cut(s, 1);
	name.ptr = s->ptr;
	for (name.len = 0; name.len < s->len; name.len++)
		if (name.ptr[name.len] == ';')
			break;
	cut(s, name.len);
	if (starts(*s, ";UIDVALIDITY=")) {
		struct slice	 word;

		cut(s, strlen(";UIDVALIDITY="));
		word = until(s, "/");
		if (name.len == 0 || !number(word, &u->validity))
			return false;
	} else if (name.len > 0) {
		/* The slash in front of ";UID". */
		if (name.ptr[name.len - 1] != '/')
			return false;
		name.len--;
	}
	return decode(name, &u->mailbox);
}

bool
imap_url_parse(struct slice s, struct imap_url *u)
{
	imap_url_free(u);
	if (starts(s, "imap://") && !server(&s, u))
		return false;
	if (s.len > 0 && s.ptr[0] == '/' && !mailbox(&s, u))
		return false;
	if (u->absolute && u->mailbox.len == 0)
		return false;
	return message(s, u);
}
