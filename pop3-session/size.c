/* Contract in size.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/maildir.h"
#include "pop3-session/size.h"
#include "pop3-session/wire.h"

#define PIECE	65536
#define BATCH	500	/* messages counted between two renamings */

/* 0 and both sizes of message i in its entry, or -1. */
static int
size_count(struct mailbox *mb, size_t i)
{
	static char		 piece[PIECE];
	struct uidlist_entry	*e = &mb->list.entry[i];
	struct wire_size	 w;
	uint64_t		 stored = 0;
	off_t			 size;
	ssize_t			 n;
	int			 fd;

	if ((fd = mailbox_message(mb, i, &size)) == -1)
		return -1;
	wire_size_init(&w);
	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			io_close(fd);
			return -1;
		}
		wire_size_add(&w, piece, (size_t)n);
		stored += (uint64_t)n;
	}
	io_close(fd);
	e->size = stored;
	e->wire = wire_size_end(&w);
	return 0;
}

char *
size_name(const char *name, uint64_t size, uint64_t wire)
{
	struct maildir_name	 n;
	char			 sizes[64], *out, *o;
	const char		*p;
	size_t			 len;

	if (!maildir_name_parse(name, &n) ||
	    (n.size == size && n.wire == wire))
		return NULL;
	maildir_name_sizes(size, wire, sizes);
	out = xmalloc(strlen(name) + sizeof(sizes));
	memcpy(out, name, n.base.len);
	o = stpcpy(out + n.base.len, sizes);
	for (p = name + n.base.len; *p == ','; p += len) {
		len = 1 + strcspn(p + 1, ",:");
		if (strncmp(p, ",S=", 3) == 0 || strncmp(p, ",W=", 3) == 0)
			continue;
		memcpy(o, p, len);
		o += len;
	}
	memcpy(o, p, strlen(p) + 1);
	if (strlen(out) <= MAILDIR_NAME_MAX)
		return out;
	free(out);
	return NULL;
}

/* What cannot be renamed is counted again by the next session. */
static void
size_remember(struct mailbox *mb, const size_t *which, size_t n)
{
	struct uidlist_entry	*e;
	size_t			 i;
	char			*name;
	int			 lock;

	if (n == 0 || (lock = uidlist_lock(mb->dir)) == -1)
		return;
	for (i = 0; i < n; i++) {
		e = &mb->list.entry[which[i]];
		if ((name = size_name(e->name, e->size, e->wire)) == NULL)
			continue;
		if (e->in_new || renameat(mb->cur, e->name, mb->cur, name) ==
		    -1)
			free(name);
		else
			mailbox_renamed(mb, which[i], name);
	}
	io_close(lock);
}

/*
 * What a name says is believed while it can be so: a line end is the most that
 * the wire adds to an octet, and to the last one.
 */
static bool
size_known(const struct uidlist_entry *e)
{
	return e->wire != UINT64_MAX && (e->size == UINT64_MAX ||
	    (e->wire >= e->size && e->wire - e->size <= e->size + 2));
}

uint64_t
size_of(struct mailbox *mb, size_t i)
{
	struct uidlist_entry	*e = &mb->list.entry[i];

	if (!size_known(e)) {
		e->wire = UINT64_MAX;
		if (size_count(mb, i) == -1)
			return 0;
		size_remember(mb, &i, 1);
	}
	return e->wire;
}

void
size_is(struct mailbox *mb, size_t i, uint64_t size, uint64_t wire)
{
	struct uidlist_entry	*e = &mb->list.entry[i];

	if (e->wire == wire && (e->size == size || e->size == UINT64_MAX))
		return;
	e->size = size;
	e->wire = wire;
	size_remember(mb, &i, 1);
}

void
size_look(struct mailbox *mb, size_t i, uint64_t size)
{
	struct uidlist_entry	*e = &mb->list.entry[i];

	if (e->size == UINT64_MAX || e->size == size)
		return;
	e->wire = UINT64_MAX;
	(void)size_of(mb, i);
}

void
size_all(struct mailbox *mb)
{
	size_t	 which[BATCH], n = 0, i;

	for (i = 0; i < mb->list.n; i++) {
		if (size_known(&mb->list.entry[i]) ||
		    (mb->mark[i] & MAILBOX_DELETED))
			continue;
		mb->list.entry[i].wire = UINT64_MAX;
		if (size_count(mb, i) == -1)
			continue;
		which[n++] = i;
		if (n == BATCH) {
			size_remember(mb, which, n);
			n = 0;
		}
	}
	size_remember(mb, which, n);
}
