/*
 * Contract in access_table.h.  Every pattern becomes a key string; the table
 * is the sorted keys, and a look-up tries the few keys that could match.  A
 * network's key is "n4/24/c0000200": which prefix lengths occur is noted, so
 * that only those are tried.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/access_table.h"

#define KEY_MAX	(ADDRESS_MAX + 2)

struct entry {
	char			*key;
	char			*text;
	enum access_action	 action;
	unsigned int		 line;
};

struct access_table {
	struct entry	*entries;
	size_t		 n, size;
	bool		 prefix4[33], prefix6[129];
	bool		 names;
};

static const char *const	 actions[] = {
	[ACCESS_OK] = "ok",
	[ACCESS_REFUSE] = "refuse",
	[ACCESS_DEFER] = "defer",
	[ACCESS_DISCARD] = "discard",
};

/* "n4/BITS/HEX" with the octets past bits cleared. */
static void
network_key(int family, const unsigned char *addr, unsigned int bits,
    char out[KEY_MAX])
{
	unsigned char	 net[16];
	size_t		 len = family == AF_INET ? 4 : 16, i;
	int		 n;

	for (i = 0; i < len; i++)
		if (bits >= 8 * (i + 1))
			net[i] = addr[i];
		else if (bits <= 8 * i)
			net[i] = 0;
		else
			net[i] = (unsigned char)(addr[i] &
			    (0xff00 >> (bits - 8 * i)));
	n = snprintf(out, KEY_MAX, "n%c/%u/", family == AF_INET ? '4' : '6',
	    bits);
	for (i = 0; i < len; i++)
		n += snprintf(out + n, KEY_MAX - (size_t)n, "%02x", net[i]);
}

/* "ADDRESS" or "ADDRESS/BITS": true when it looks like one; *why when bad. */
static bool
parse_network(struct access_table *t, struct slice pattern, char *key,
    const char **why)
{
	char		 text[64], *slash;
	unsigned char	 addr[16];
	uint64_t	 bits, max;
	int		 family;

	if (pattern.len >= sizeof(text))
		return false;
	memcpy(text, pattern.ptr, pattern.len);
	text[pattern.len] = '\0';
	if ((slash = strchr(text, '/')) != NULL)
		*slash = '\0';
	family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(family, text, addr) != 1) {
		if (slash != NULL || family == AF_INET6)
			*why = "malformed network";
		return slash != NULL || family == AF_INET6;
	}
	max = bits = family == AF_INET ? 32 : 128;
	if (slash != NULL &&
	    text_u64(slice_str(slash + 1), max, &bits) == -1) {
		*why = "malformed prefix length";
		return true;
	}
	network_key(family, addr, (unsigned int)bits, key);
	if (family == AF_INET)
		t->prefix4[bits] = true;
	else
		t->prefix6[bits] = true;
	return true;
}

static bool
parse_client(struct access_table *t, struct slice pattern, char *key,
    const char **why)
{
	size_t	 i;

	if (parse_network(t, pattern, key, why))
		return *why == NULL;
	for (i = 0; i < pattern.len; i++)
		if (!text_is_alnum(pattern.ptr[i]) && pattern.ptr[i] != '-' &&
		    pattern.ptr[i] != '.' && pattern.ptr[i] != '_')
			*why = "neither an address, a network nor a name";
	if (pattern.len > ADDRESS_DOMAIN_MAX)
		*why = "name too long";
	if (*why != NULL)
		return false;
	t->names = true;
	snprintf(key, KEY_MAX, "%.*s", (int)pattern.len, pattern.ptr);
	return true;
}

static bool
parse_address(struct slice pattern, char *key, const char **why)
{
	struct address	 a;
	const char	*at;

	*why = "neither user@domain, @domain nor user@";
	if (pattern.len >= KEY_MAX ||
	    (at = memrchr(pattern.ptr, '@', pattern.len)) == NULL)
		return false;
	if (at == pattern.ptr) {
		if (!address_is_domain((struct slice){ at + 1,
		    pattern.len - 1 }, true))
			return false;
	} else if (at + 1 == pattern.ptr + pattern.len) {
		if (pattern.len - 1 > ADDRESS_LOCAL_MAX)
			return false;
	} else {
		if (address_parse(pattern, ADDRESS_UTF8, &a) != ADDRESS_OK)
			return false;
		pattern = slice_str(a.text);
	}
	*why = NULL;
	snprintf(key, KEY_MAX, "%.*s", (int)pattern.len, pattern.ptr);
	return true;
}

/* Blanks inside a quoted local part belong to the word. */
static struct slice
next_word(struct slice *s)
{
	struct slice	 word;
	size_t		 n;
	bool		 quoted = false;

	*s = text_trim(*s);
	for (n = 0; n < s->len && (quoted || (s->ptr[n] != ' ' &&
	    s->ptr[n] != '\t')); n++)
		if (s->ptr[n] == '"')
			quoted = !quoted;
		else if (quoted && s->ptr[n] == '\\' && n + 1 < s->len)
			n++;
	word = (struct slice){ s->ptr, n };
	s->ptr += n;
	s->len -= n;
	*s = text_trim(*s);
	return word;
}

/* "ACTION [TEXT]", the text left in *line.  NULL, or what is wrong with it. */
static const char *
parse_action(struct slice *line, enum access_action *out)
{
	struct slice	 action = next_word(line);
	size_t		 a, i;

	for (a = ACCESS_OK; a <= ACCESS_DISCARD; a++)
		if (slice_is(action, actions[a]))
			break;
	if (a > ACCESS_DISCARD)
		return "the action is ok, refuse, defer or discard";
	for (i = 0; i < line->len; i++)
		if (text_is_control(line->ptr[i]) ||
		    (line->ptr[i] & 0x80) != 0)
			return "the text is for a reply: ASCII only";
	if (line->len > ACCESS_TEXT_MAX)
		return "text too long";
	*out = (enum access_action)a;
	return NULL;
}

/* NULL, or what is wrong with the line. */
static const char *
parse_line(struct access_table *t, struct slice line, bool client,
    unsigned int number)
{
	struct slice		 pattern = next_word(&line);
	const char		*why = NULL;
	char			 key[KEY_MAX];
	enum access_action	 action = ACCESS_DEFER;
	struct entry		*e;

	if (client ? !parse_client(t, pattern, key, &why) :
	    !parse_address(pattern, key, &why))
		return why;
	if ((why = parse_action(&line, &action)) != NULL)
		line.len = 0;
	if (t->n == t->size) {
		t->size = t->size == 0 ? 16 : 2 * t->size;
		t->entries = xreallocarray(t->entries, t->size,
		    sizeof(*t->entries));
	}
	e = &t->entries[t->n++];
	text_lower_str(key);
	e->key = xstrdup(key);
	e->text = line.len > 0 ? xstrndup(line.ptr, line.len) : NULL;
	e->action = action;
	e->line = number;
	return why;
}

static int
by_key(const void *a, const void *b)
{
	const struct entry	*x = a, *y = b;
	int			 r = strcmp(x->key, y->key);

	if (r != 0)
		return r;
	return x->line < y->line ? -1 : x->line > y->line;
}

static void
entry_free(struct entry *e)
{
	free(e->key);
	free(e->text);
}

/* Of the same pattern twice the first stays. */
static void
sort_and_check(struct access_table *t, const char *name, struct buf *err)
{
	struct entry	*e, *last;
	size_t		 i, n = 0;

	if (t->n == 0)
		return;
	qsort(t->entries, t->n, sizeof(*t->entries), by_key);
	for (i = 0; i < t->n; i++) {
		e = &t->entries[i];
		last = &t->entries[n == 0 ? 0 : n - 1];
		if (n == 0 || strcmp(last->key, e->key) != 0) {
			t->entries[n++] = *e;
			continue;
		}
		(void)buf_addf(err, "%s:%u: the same pattern as in line %u\n",
		    name, e->line, last->line);
		if (last->action != e->action)
			last->action = ACCESS_DEFER;
		entry_free(e);
	}
	t->n = n;
}

struct access_table *
access_table_parse(struct slice text, const char *name, bool client,
    struct buf *err)
{
	struct access_table	*t = xcalloc(1, sizeof(*t));
	struct slice		 line;
	const char		*why;
	unsigned int		 number = 0;

	while (text_next_line(&text, &line)) {
		if (line.len > 0 && line.ptr[line.len - 1] == '\r')
			line.len--;
		line = text_trim(line);
		number++;
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if ((why = parse_line(t, line, client, number)) != NULL)
			(void)buf_addf(err, "%s:%u: %s\n", name, number, why);
	}
	sort_and_check(t, name, err);
	return t;
}

void
access_table_free(struct access_table *t)
{
	size_t	 i;

	if (t == NULL)
		return;
	for (i = 0; i < t->n; i++)
		entry_free(&t->entries[i]);
	free(t->entries);
	free(t);
}

bool
access_table_has_names(const struct access_table *t)
{
	return t->names;
}

static int
key_is(const void *key, const void *entry)
{
	const struct entry	*e = entry;

	return strcmp(key, e->key);
}

static enum access_action
find(const struct access_table *t, const char *key, const char **text)
{
	const struct entry	*e;

	if (t->n == 0 || (e = bsearch(key, t->entries, t->n,
	    sizeof(*t->entries), key_is)) == NULL)
		return ACCESS_NONE;
	*text = e->text;
	return e->action;
}

static enum access_action
find_network(const struct access_table *t, int family,
    const unsigned char *addr, const char **text)
{
	const bool		*used;
	enum access_action	 a;
	char			 key[KEY_MAX];
	int			 bits;

	used = family == AF_INET ? t->prefix4 : t->prefix6;
	for (bits = family == AF_INET ? 32 : 128; bits >= 0; bits--) {
		if (!used[bits])
			continue;
		network_key(family, addr, (unsigned int)bits, key);
		if ((a = find(t, key, text)) != ACCESS_NONE)
			return a;
	}
	return ACCESS_NONE;
}

static enum access_action
find_sockaddr(const struct access_table *t, const struct sockaddr *sa,
    const char **text)
{
	struct sockaddr_in	 sin;
	struct sockaddr_in6	 sin6;

	if (sa->sa_family == AF_INET) {
		memcpy(&sin, sa, sizeof(sin));
		return find_network(t, AF_INET,
		    (const unsigned char *)&sin.sin_addr, text);
	}
	if (sa->sa_family != AF_INET6)
		return ACCESS_NONE;
	memcpy(&sin6, sa, sizeof(sin6));
	if (IN6_IS_ADDR_V4MAPPED(&sin6.sin6_addr))
		return find_network(t, AF_INET, sin6.sin6_addr.s6_addr + 12,
		    text);
	return find_network(t, AF_INET6, sin6.sin6_addr.s6_addr, text);
}

enum access_action
access_table_client(const struct access_table *t, const struct sockaddr *sa,
    const char *name, const char **text)
{
	enum access_action	 a;
	char			 key[KEY_MAX];
	const char		*p;

	*text = NULL;
	if ((a = find_sockaddr(t, sa, text)) != ACCESS_NONE)
		return a;
	if (name[0] == '\0' || strlen(name) >= sizeof(key))
		return ACCESS_NONE;
	memcpy(key, name, strlen(name) + 1);
	text_lower_str(key);
	if ((a = find(t, key, text)) != ACCESS_NONE)
		return a;
	for (p = strchr(key, '.'); p != NULL; p = strchr(p + 1, '.'))
		if ((a = find(t, p, text)) != ACCESS_NONE)
			return a;
	return ACCESS_NONE;
}

enum access_action
access_table_address(const struct access_table *t, const struct address *addr,
    const char **text)
{
	enum access_action	 a;
	char			 key[KEY_MAX];

	*text = NULL;
	if (addr->text[0] == '\0')
		return ACCESS_NONE;
	snprintf(key, sizeof(key), "%s", addr->text);
	text_lower_str(key);
	if ((a = find(t, key, text)) != ACCESS_NONE)
		return a;
	snprintf(key, sizeof(key), "@%s", addr->domain);
	text_lower_str(key);
	if ((a = find(t, key, text)) != ACCESS_NONE)
		return a;
	snprintf(key, sizeof(key), "%s@", addr->local);
	text_lower_str(key);
	return find(t, key, text);
}
