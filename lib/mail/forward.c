/* Contract in forward.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/aliases_table.h"
#include "lib/mail/forward.h"

void
forward_free(struct forward *f)
{
	size_t	 i;

	for (i = 0; i < f->n; i++)
		free(f->addresses[i]);
	free(f->addresses);
	memset(f, 0, sizeof(*f));
}

/* Why an item is refused before it is looked at as an address, or NULL. */
static const char *
refusal(struct slice s)
{
	/* Other mailers want quotes around these; see through them. */
	if (s.len > 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"') {
		s.ptr++;
		s.len -= 2;
	}
	switch (s.ptr[0]) {
	case '|':
		return "programs are not run from here";
	case '/':
		return "mail is not written to files named here";
	case ':':
		return ":include: works only in the system's aliases";
	}
	return NULL;
}

static bool
is_self(const struct address *addr, const struct address *user)
{
	char	 a[ALIASES_KEY_MAX], u[ALIASES_KEY_MAX];

	return aliases_key(addr->local, addr->domain, a) == 0 &&
	    aliases_key(user->local, user->domain, u) == 0 &&
	    strcmp(a, u) == 0;
}

static const char *
add(struct forward *f, const struct address *addr)
{
	size_t	 i;

	for (i = 0; i < f->n; i++)
		if (strcmp(f->addresses[i], addr->text) == 0)
			return NULL;
	if (f->n == FORWARD_ADDRESSES)
		return "too many addresses";
	if (f->addresses == NULL)
		f->addresses = xcalloc(FORWARD_ADDRESSES,
		    sizeof(*f->addresses));
	f->addresses[f->n++] = xstrdup(addr->text);
	return NULL;
}

/* NULL, or the reason. */
static const char *
parse_item(struct slice s, const struct address *user, struct forward *f)
{
	struct address	 addr, full;
	const char	*why;
	bool		 backslash = s.ptr[0] == '\\';

	if ((why = refusal(s)) != NULL)
		return why;
	if (backslash) {
		s.ptr++;
		s.len--;
	}
	if (address_parse(s, ADDRESS_LENIENT | ADDRESS_UTF8, &addr) !=
	    ADDRESS_OK)
		return "not an address";
	full = addr;
	if (addr.domain[0] == '\0' &&
	    address_make(addr.local, user->domain, &full) == -1)
		return "not an address";
	if (is_self(&full, user)) {
		f->keep = true;
		return NULL;
	}
	if (backslash)
		return "only the user's own name takes a backslash";
	return add(f, &full);
}

enum forward_status
forward_parse(struct slice text, const struct address *user,
    struct forward *out, struct buf *why)
{
	struct slice	 line, item;
	const char	*reason;
	size_t		 number = 0;

	memset(out, 0, sizeof(*out));
	while (aliases_next_line(&text, &line)) {
		number++;
		while (aliases_next_item(&line, &item)) {
			reason = parse_item(item, user, out);
			if (reason == NULL)
				continue;
			(void)buf_addf(why, FORWARD_FILE ":%zu: %s", number,
			    reason);
			forward_free(out);
			return FORWARD_BAD;
		}
	}
	return out->n > 0 || out->keep ? FORWARD_OK : FORWARD_NONE;
}

/* NULL, or why this file is not believed. */
static const char *
distrust(const struct stat *st, uid_t uid)
{
	if (!S_ISREG(st->st_mode))
		return "not a regular file";
	if (st->st_uid != uid && st->st_uid != 0)
		return "belongs to somebody else";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "others may write it; its mode should be 0600";
	if (st->st_size > FORWARD_MAX)
		return "larger than 64 KiB";
	return NULL;
}

static enum forward_status
refuse(struct buf *why, const char *reason)
{
	(void)buf_addf(why, FORWARD_FILE ": %s", reason);
	return FORWARD_BAD;
}

enum forward_status
forward_read(int home, uid_t uid, const struct address *user,
    struct forward *out, struct buf *why)
{
	char		 text[FORWARD_MAX];
	struct stat	 st;
	const char	*reason;
	struct slice	 s;
	ssize_t		 n;
	int		 fd, r;

	memset(out, 0, sizeof(*out));
	/* A FIFO must not keep the worker waiting, nor a link lead away. */
	fd = openat(home, FORWARD_FILE,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd == -1 && errno == ENOENT)
		return FORWARD_NONE;
	if (fd == -1 && errno == ELOOP)
		return refuse(why, "a symbolic link");
	if (fd == -1)
		return FORWARD_ERROR;
	if ((r = fstat(fd, &st)) == -1 ||
	    (reason = distrust(&st, uid)) != NULL) {
		io_close(fd);
		return r == -1 ? FORWARD_ERROR : refuse(why, reason);
	}
	n = io_pread_full(fd, text, (size_t)st.st_size, 0);
	io_close(fd);
	if (n == -1)
		return FORWARD_ERROR;
	s.ptr = text;
	s.len = (size_t)n;
	return forward_parse(s, user, out, why);
}
