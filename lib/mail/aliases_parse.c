/* The lines of alias and include files (contract in aliases_table.h). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/mail/aliases_table.h"

int
aliases_key(const char *local, const char *domain, char out[ALIASES_KEY_MAX])
{
	struct address	 addr;
	char		 l[ADDRESS_LOCAL_MAX + 1], d[ADDRESS_DOMAIN_MAX + 1];
	size_t		 len = strlen(local);

	d[0] = '\0';
	if (domain[0] != '\0' && address_domain_ascii(domain, d) == -1)
		return -1;
	if (len == 0) {
		out[0] = '@';
		memcpy(out + 1, d, strlen(d) + 1);
		return 0;
	}
	if (len > ADDRESS_LOCAL_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	memcpy(l, local, len + 1);
	text_lower_str(l);
	if (address_make(l, d, &addr) == -1)
		return -1;
	memcpy(out, addr.text, strlen(addr.text) + 1);
	return 0;
}

/*
 * The first octet c outside quotes and brackets, or s.len: a quoted local
 * part may hold commas and colons, an IPv6 literal holds colons.
 */
static size_t
find_plain(struct slice s, char c)
{
	size_t	 i;
	bool	 quoted = false, literal = false;

	for (i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\\' && quoted)
			i++;
		else if (s.ptr[i] == '"' && !literal)
			quoted = !quoted;
		else if (!quoted && s.ptr[i] == '[')
			literal = true;
		else if (!quoted && s.ptr[i] == ']')
			literal = false;
		else if (s.ptr[i] == c && !quoted && !literal)
			break;
	}
	return i < s.len ? i : s.len;
}

bool
aliases_next_line(struct slice *text, struct slice *line)
{
	struct slice	 bare;

	if (!text_next_line(text, line))
		return false;
	while (line->len > 0 && (line->ptr[line->len - 1] == '\r' ||
	    line->ptr[line->len - 1] == ' ' ||
	    line->ptr[line->len - 1] == '\t'))
		line->len--;
	bare = text_trim(*line);
	if (bare.len > 0 && bare.ptr[0] == '#')
		line->len = 0;
	return true;
}

int
aliases_parse_name(struct slice line, char key[ALIASES_KEY_MAX],
    char name[ALIASES_KEY_MAX], size_t *used, const char **why)
{
	struct slice	 s = { line.ptr, find_plain(line, ':') };
	struct address	 addr;
	int		 n = -1;

	if (s.len == line.len) {
		*why = "no colon after the name";
		return -1;
	}
	*used = s.len + 1;
	s = text_trim(s);
	*why = "no name before the colon";
	if (s.len == 0)
		return -1;
	*why = "not a name, an address or @domain";
	if (s.ptr[0] == '<')
		return -1;
	if (s.ptr[0] == '@') {
		s.ptr++;
		s.len--;
		if (!address_is_domain(s, true))
			return -1;
		memcpy(name + 1, s.ptr, s.len);
		name[0] = '@';
		name[s.len + 1] = '\0';
		text_lower_str(name);
		n = aliases_key("", name + 1, key);
	} else if (address_parse(s, ADDRESS_LENIENT | ADDRESS_UTF8, &addr) ==
	    ADDRESS_OK) {
		memcpy(name, addr.text, strlen(addr.text) + 1);
		n = aliases_key(addr.local, addr.domain, key);
	}
	return n;
}

static int
parse_include(struct slice s, const char **why,
    int (*fn)(const char *result, void *arg), void *arg)
{
	char		 out[sizeof(ALIASES_INCLUDE) + PATH_MAX];
	struct slice	 path = s;
	size_t		 i;

	path.ptr += strlen(ALIASES_INCLUDE);
	path.len -= strlen(ALIASES_INCLUDE);
	path = text_trim(path);
	*why = ":include: needs an absolute path";
	if (path.len == 0 || path.len >= PATH_MAX || path.ptr[0] != '/')
		return -1;
	for (i = 0; i < path.len; i++)
		if (text_is_control(path.ptr[i]))
			return -1;
	memcpy(out, ALIASES_INCLUDE, strlen(ALIASES_INCLUDE));
	memcpy(out + strlen(ALIASES_INCLUDE), path.ptr, path.len);
	out[strlen(ALIASES_INCLUDE) + path.len] = '\0';
	return fn(out, arg);
}

static int
parse_result(struct slice s, const char **why,
    int (*fn)(const char *result, void *arg), void *arg)
{
	struct slice	 inner = s;
	struct address	 addr;

	/* Other mailers want quotes around these; see through them. */
	if (s.len > 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"') {
		inner.ptr++;
		inner.len -= 2;
	}
	switch (inner.ptr[0]) {
	case '|':
		*why = "programs run only from a user's own filter";
		return -1;
	case '/':
		*why = "mail is not written to files named here";
		return -1;
	case '\\':
		*why = "a user's own alias keeps a copy by naming the user, "
		    "without a backslash";
		return -1;
	case ':':
		if (inner.len > strlen(ALIASES_INCLUDE) &&
		    strncasecmp(inner.ptr, ALIASES_INCLUDE,
		    strlen(ALIASES_INCLUDE)) == 0)
			return parse_include(inner, why, fn, arg);
		*why = "only :include:/path starts with a colon";
		return -1;
	}
	if (address_parse(s, ADDRESS_LENIENT | ADDRESS_UTF8, &addr) !=
	    ADDRESS_OK) {
		*why = "not an address or a local name";
		return -1;
	}
	return fn(addr.text, arg);
}

bool
aliases_next_item(struct slice *line, struct slice *item)
{
	size_t	 end;

	while (line->len > 0) {
		end = find_plain(*line, ',');
		item->ptr = line->ptr;
		item->len = end;
		*item = text_trim(*item);
		end += end < line->len;
		line->ptr += end;
		line->len -= end;
		if (item->len > 0)
			return true;
	}
	return false;
}

int
aliases_parse_results(struct slice line, const char **why,
    int (*fn)(const char *result, void *arg), void *arg)
{
	struct slice	 item;
	int		 r;

	while (aliases_next_item(&line, &item))
		if ((r = parse_result(item, why, fn, arg)) != 0)
			return r;
	return 0;
}

/*
 * Only a regular file: a FIFO or a device would keep the daemon that asks
 * waiting, or feed it for ever.
 */
static int
read_regular(const char *path, struct buf *out)
{
	struct stat	 st;
	int		 fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		goto bad;
	errno = EINVAL;
	if (!S_ISREG(st.st_mode))
		goto bad;
	errno = EFBIG;
	if (st.st_size > ALIASES_INCLUDE_MAX)
		goto bad;
	if (io_pread_buf(fd, out, (size_t)st.st_size, 0) == -1)
		goto bad;
	io_close(fd);
	return 0;
bad:
	io_close(fd);
	return -1;
}

int
aliases_read_include(const char *path, struct buf *err,
    int (*fn)(const char *result, void *arg), void *arg)
{
	struct buf	 b;
	struct slice	 text, line;
	const char	*why;
	size_t		 number = 0;
	int		 r, result = 0;

	buf_init(&b, ALIASES_INCLUDE_MAX);
	if (read_regular(path, &b) == -1) {
		if (err != NULL)
			(void)buf_addf(err, "%s: %s\n", path, strerror(errno));
		buf_free(&b);
		return -1;
	}
	text = buf_slice(&b);
	while (aliases_next_line(&text, &line)) {
		number++;
		r = aliases_parse_results(line, &why, fn, arg);
		if (r == -1 && err != NULL)
			(void)buf_addf(err, "%s:%zu: %s\n", path, number, why);
		if (r == -1)
			result = -1;
		if (r > 0) {
			result = r;
			break;
		}
	}
	buf_free(&b);
	if (result == -1)
		errno = EINVAL;
	return result;
}
