/*
 * APPEND. Contract in folder.h.
 *
 * Each message goes into tmp/; at the end all of them get their UIDs and names
 * in cur/ under the lock, which is given up before the fsyncs: sessions that
 * append to one mailbox share journal commits. UIDs are told when they are
 * done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/durable.h"
#include "lib/store/folder_parts.h"
#include "lib/store/lf_reader.h"
#include "lib/store/maildir.h"
#include "lib/store/wake.h"

#define PIECE		65536
#define FILES_MAX	32	/* kept open; others are synced at their end */

struct message {
	char		 tmp[300];
	char		 name[300];	/* below cur/, when it is there */
	struct letter	 letter;
	int		 fd;
};

struct folder_append {
	struct folder		*f;
	struct message		*m;
	size_t			 n, room;
	size_t			 open;	/* descriptors */
	bool			 begun;
	struct lf_reader	 lf;
	size_t			 used;
	char			 piece[PIECE];
};

struct folder_append *
folder_append_new(struct folder *f)
{
	struct folder_append	*a = xmalloc(sizeof(*a));

	memset(a, 0, offsetof(struct folder_append, piece));
	a->f = f;
	return a;
}

void
folder_append_abort(struct folder_append *a)
{
	int	 saved = errno;
	size_t	 i;

	if (a == NULL)
		return;
	for (i = 0; i < a->n; i++) {
		if (a->m[i].tmp[0] != '\0')
			unlinkat(a->f->dirfd, a->m[i].tmp, 0);
		if (a->m[i].name[0] != '\0')
			unlinkat(a->f->cur, a->m[i].name, 0);
		io_close(a->m[i].fd);
	}
	free(a->m);
	free(a);
	errno = saved;
}

int
folder_append_begin(struct folder_append *a, uint32_t flags,
    uint32_t keywords, int64_t date)
{
	struct message	*m;

	if (a->n == a->room) {
		a->room = a->room == 0 ? 4 : a->room * 2;
		a->m = xreallocarray(a->m, a->room, sizeof(*a->m));
	}
	m = &a->m[a->n++];
	memset(m, 0, sizeof(*m));
	m->fd = -1;
	m->letter.flags = flags;
	m->letter.keywords = keywords;
	m->letter.received = date;
	memset(&a->lf, 0, sizeof(a->lf));
	a->used = 0;
	a->begun = true;
	return 0;
}

static int
open_tmp(struct folder_append *a, struct message *m)
{
	const int	 flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;

	folder_make_tmp(a->f, m->tmp);
	m->fd = openat(a->f->dirfd, m->tmp, flags, 0600);
	if (m->fd == -1 && errno == ENOENT &&
	    (mkdirat(a->f->dirfd, "tmp", 0700) == 0 || errno == EEXIST))
		m->fd = openat(a->f->dirfd, m->tmp, flags, 0600);
	if (m->fd == -1) {
		m->tmp[0] = '\0';
		return -1;
	}
	a->open++;
	return 0;
}

/* Write what is there; a CR may have its LF to come. */
static int
flush(struct folder_append *a, bool last)
{
	struct message	*m = &a->m[a->n - 1];
	size_t		 n = a->used, len;

	if (m->fd == -1 && open_tmp(a, m) == -1)
		return -1;
	if (!last && a->piece[n - 1] == '\r')
		n--;
	len = lf_reader_convert(&a->lf, a->piece, n);
	if (io_write_all(m->fd, a->piece, len) == -1)
		return -1;
	if (n < a->used)
		a->piece[0] = '\r';
	a->used -= n;
	return 0;
}

int
folder_append_data(struct folder_append *a, const void *data, size_t len)
{
	const char	*p = data;
	size_t		 n;

	while (len > 0) {
		n = sizeof(a->piece) - a->used;
		if (n > len)
			n = len;
		memcpy(a->piece + a->used, p, n);
		a->used += n;
		p += n;
		len -= n;
		if (a->used == sizeof(a->piece) && flush(a, false) == -1)
			return -1;
	}
	return 0;
}

static int
set_date(const struct message *m)
{
	struct timespec	 t[2] = { { 0, UTIME_NOW }, { 0, 0 } };

	t[1].tv_sec = (time_t)m->letter.received;
	return futimens(m->fd, t);
}

int
folder_append_end(struct folder_append *a)
{
	struct message	*m = &a->m[a->n - 1];

	if (flush(a, true) == -1 || (m->letter.received != LETTER_UNDATED &&
	    set_date(m) == -1))
		return -1;
	if (m->letter.received == LETTER_UNDATED)
		m->letter.received = io_time_us() / 1000000;
	m->letter.size = a->lf.stored;
	m->letter.wire = a->lf.wire;
	a->begun = false;
	if (a->open <= FILES_MAX)
		return 0;
	if (fsync(m->fd) == -1)
		return -1;
	io_close(m->fd);
	m->fd = -1;
	a->open--;
	return 0;
}

static uint64_t
octets_of(const struct folder_append *a)
{
	uint64_t	 sum = 0;
	size_t		 i;

	for (i = 0; i < a->n; i++)
		sum += a->m[i].letter.size;
	return sum;
}

/* Give it its name in cur/. */
static int
place(struct folder_append *a, struct message *m, uint32_t validity,
    uint32_t uid)
{
	char	 name[300];

	m->letter.uid = uid;
	if (folder_make_name(a->f, validity, uid, &m->letter, name) == -1 ||
	    io_rename_new(a->f->dirfd, m->tmp, a->f->cur, name) == -1)
		return -1;
	strcpy(m->name, name);
	m->tmp[0] = '\0';
	m->letter.saved = maildir_name_time(name);
	return 0;
}

static void
write_index(struct folder_append *a, const struct folder_own *own)
{
	const char	**name = xcalloc(a->n, sizeof(*name));
	struct letter	 *l = xcalloc(a->n, sizeof(*l));
	size_t		  i;

	for (i = 0; i < a->n; i++) {
		name[i] = a->m[i].name;
		l[i] = a->m[i].letter;
	}
	folder_write(a->f, own, l, name, a->n, NULL);
	free(l);
	free(name);
}

static int
place_all(struct folder_append *a, struct uidstate *st, uint32_t *first)
{
	struct folder_own	 own;
	size_t			 i;

	if (!st->writable) {
		errno = EROFS;
		return -1;
	}
	/* This also sees whether the index was removed under us. */
	if (folder_count_on(a->f, st) == -1)
		return -1;
	if (a->n > UINT32_MAX - st->next) {
		errno = EOVERFLOW;
		return -1;
	}
	*first = st->next;
	st->next += (uint32_t)a->n;
	if (uidstate_write(st) == -1)
		return -1;
	folder_begin_own(a->f, &own);
	for (i = 0; i < a->n; i++)
		if (place(a, &a->m[i], st->validity, *first +
		    (uint32_t)i) == -1)
			return -1;
	write_index(a, &own);
	return 0;
}

static int
sync_all(struct folder_append *a)
{
	bool	 dir = a->open < a->n;
	size_t	 i;

	for (i = 0; i < a->n; i++)
		if (a->m[i].fd != -1 && (i + 1 < a->n ? fsync(a->m[i].fd) :
		    durable_sync(a->m[i].fd, a->f->cur, NULL)) == -1)
			return -1;
	return dir ? fsync(a->f->cur) : 0;
}

static int
commit(struct folder_append *a, uint32_t *validity, uint32_t *first)
{
	struct uidstate	 st;
	uint64_t	 octets = octets_of(a);
	size_t		 i;
	int		 r;

	if ((r = account_quota_room(a->f->account, octets, a->n)) == -1)
		return -1;
	if (r == 0) {
		errno = EDQUOT;
		return -1;
	}
	if (folder_check(a->f) == -1 || folder_lock(a->f, &st) == -1)
		return -1;
	*validity = st.validity;
	r = place_all(a, &st, first);
	folder_unlock(a->f);
	if (r == -1 || sync_all(a) == -1)
		return -1;
	/* Nothing is left to be undone. */
	for (i = 0; i < a->n; i++)
		a->m[i].name[0] = '\0';
	account_quota_add(a->f->account, (int64_t)octets, (int64_t)a->n);
	wake_send(a->f->account->homefd, a->f->dir);
	return 0;
}

int
folder_append_commit(struct folder_append *a, uint32_t *validity,
    uint32_t *first)
{
	int	 r = -1;

	if (a->n == 0 || a->begun)
		errno = EINVAL;
	else
		r = commit(a, validity, first);
	folder_append_abort(a);
	return r;
}
