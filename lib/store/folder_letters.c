/* Reading letters from the index, and their files.  Contract in folder.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/folder_parts.h"
#include "lib/store/folder_scan.h"
#include "lib/store/maildir.h"

#define FILE_FLAGS	(O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
#define PIECE		65536
#define OCTETS_BATCH	256

int
folder_uids(struct folder *f, struct number_set *out)
{
	struct index_txn	*t;
	unsigned int		 tries = 0;
	int			 r;

	do {
		number_set_clear(out);
		if ((t = folder_read(f)) == NULL)
			return -1;
		r = index_uids(t, f->validity, out);
	} while (folder_again(f, t, r, &tries));
	return r;
}

/* --- letters ------------------------------------------------------------- */

struct take {
	const struct number_set	*uids;	/* NULL: all */
	uint32_t		 first;
	uint32_t		 want;	/* smallest of uids not passed yet */
	uint64_t		 since;
	struct letter		*out;
	size_t			 n, max;
};

static int
take_piece(const struct index_piece *p, void *arg)
{
	struct take	*k = arg;
	size_t		 i = 0;

	for (; i < p->n; i++) {
		if (p->letter[i].uid < k->first ||
		    p->letter[i].modseq <= k->since)
			continue;
		if (k->n == k->max)
			return 1;
		k->out[k->n++] = p->letter[i];
	}
	return k->n == k->max;
}

static int
take_unseen(const struct index_piece *p, void *arg)
{
	uint32_t	*uid = arg;
	size_t		 i;

	for (i = 0; p->unseen > 0 && i < p->n; i++)
		if (!(p->letter[i].flags & LETTER_SEEN)) {
			*uid = p->letter[i].uid;
			return 1;
		}
	return 0;
}

int
folder_first_unseen(struct folder *f, uint32_t *uid)
{
	struct index_txn	*t;
	unsigned int		 tries = 0;
	int			 r;

	do {
		*uid = 0;
		if ((t = folder_read(f)) == NULL)
			return -1;
		r = index_walk(t, f->validity, 1, UINT32_MAX, 0, take_unseen,
		    uid);
	} while (folder_again(f, t, r, &tries));
	return r == -1 ? -1 : 0;
}

/* Of a set: pieces and set ascend side by side. */
static int
take_wanted(const struct index_piece *p, void *arg)
{
	struct take	*k = arg;
	size_t		 i = 0;

	if (p->n == 0 || p->letter[p->n - 1].uid < k->want)
		return 0;
	while (i < p->n && k->want != 0) {
		if (p->letter[i].uid < k->want) {
			i++;
			continue;
		}
		if (p->letter[i].uid > k->want) {
			k->want = number_set_next(k->uids, p->letter[i].uid);
			continue;
		}
		if (k->n == k->max)
			return 1;
		k->out[k->n++] = p->letter[i++];
		k->want = k->want == UINT32_MAX ? 0 :
		    number_set_next(k->uids, k->want + 1);
	}
	return k->want == 0;
}

ssize_t
folder_letters(struct folder *f, uint32_t first, uint64_t since,
    struct letter *out, size_t max)
{
	struct take	 k = { .first = first, .since = since, .out = out,
			     .max = max };
	struct index_txn *t;
	unsigned int	 tries = 0;
	int		 r;

	do {
		k.n = 0;
		if ((t = folder_read(f)) == NULL)
			return -1;
		r = index_walk(t, f->validity, first, UINT32_MAX, since,
		    take_piece, &k);
	} while (folder_again(f, t, r, &tries));
	return r == -1 ? -1 : (ssize_t)k.n;
}

ssize_t
folder_letters_of(struct folder *f, const struct number_set *uids,
    uint32_t *from, struct letter *out, size_t max)
{
	struct take	 k = { .uids = uids, .out = out, .max = max };
	struct index_txn *t;
	unsigned int	 tries = 0;
	uint32_t	 first = number_set_next(uids, *from);
	int		 r;

	if (*from == 0 || first == 0) {
		*from = 0;
		return 0;
	}
	do {
		k.n = 0;
		k.want = first;
		if ((t = folder_read(f)) == NULL)
			return -1;
		r = index_walk(t, f->validity, first,
		    uids->range[uids->n - 1].last, 0, take_wanted, &k);
	} while (folder_again(f, t, r, &tries));
	if (r == -1)
		return -1;
	/* Those of the set that are left are not there. */
	*from = r == 1 ? k.want : 0;
	return (ssize_t)k.n;
}

int
folder_vanished(struct folder *f, uint64_t since, struct number_set *out)
{
	struct index_txn	*t;
	unsigned int		 tries = 0;
	int			 r;

	do {
		number_set_clear(out);
		if ((t = folder_read(f)) == NULL)
			return -1;
		r = index_vanished(t, f->validity, since, out);
	} while (folder_again(f, t, r, &tries));
	return r;
}

/* --- files --------------------------------------------------------------- */

int
folder_name(struct folder *f, uint32_t uid, char out[FOLDER_NAME_SIZE])
{
	struct index_txn	*t;
	const char		*name;
	unsigned int		 tries = 0;
	int			 r;

	do {
		if ((t = folder_read(f)) == NULL)
			return -1;
		r = index_name(t, f->validity, uid, &name);
		if (r == 1 && snprintf(out, FOLDER_NAME_SIZE, "%s", name) >=
		    (int)FOLDER_NAME_SIZE)
			r = 0;
	} while (folder_again(f, t, r, &tries));
	if (r == 0)
		errno = ENOENT;
	return r == 1 ? 0 : -1;
}

static int
open_name(struct folder *f, const char *name)
{
	int	 at = folder_place(f, &name), fd;

	/*
	 * A first reading that notes when it was writes an inode for each
	 * letter.  Only the owner may do without.
	 */
	fd = openat(at, name, FILE_FLAGS | O_NOATIME);
	return fd == -1 && errno == EPERM ? openat(at, name, FILE_FLAGS) : fd;
}

/*
 * The file is not there under its name. Another session renamed it, and has
 * said so in the index; or somebody else, and then a sync finds it: if need be
 * one that does not ask for the directory's time, for a rename in the tick of a
 * change of ours leaves that as it was.
 */
static int
open_again(struct folder *f, uint32_t uid, char name[FOLDER_NAME_SIZE])
{
	char			 was[FOLDER_NAME_SIZE];
	struct folder_state	 s;
	int			 fd;

	memcpy(was, name, sizeof(was));
	if (folder_name(f, uid, name) == -1)
		return -1;
	if (strcmp(was, name) != 0 && ((fd = open_name(f, name)) != -1 ||
	    errno != ENOENT))
		return fd;
	if (folder_sync(f, FOLDER_QUICK, &s) == -1 ||
	    folder_name(f, uid, name) == -1)
		return -1;
	if ((fd = open_name(f, name)) != -1 || errno != ENOENT)
		return fd;
	if (folder_sync_whole(f) == -1 || folder_name(f, uid, name) == -1)
		return -1;
	return open_name(f, name);
}

static int
open_letter(struct folder *f, uint32_t uid, struct stat *st)
{
	char	 name[FOLDER_NAME_SIZE];
	int	 fd;

	if (folder_name(f, uid, name) == -1)
		return -1;
	fd = open_name(f, name);
	if (fd == -1 && errno == ENOENT)
		fd = open_again(f, uid, name);
	if (fd == -1)
		return -1;
	if (fstat(fd, st) == -1 || !S_ISREG(st->st_mode)) {
		io_close(fd);
		errno = EIO;
		return -1;
	}
	return fd;
}

int
folder_file(struct folder *f, uint32_t uid)
{
	struct stat	 st;

	return open_letter(f, uid, &st);
}

/* --- sizes and dates ----------------------------------------------------- */

/* Octets with CRLF: an LF without a CR before it takes one more. */
static int
count_wire(int fd, uint64_t *wire)
{
	static char	 piece[PIECE];
	const char	*p, *lf, *end;
	char		 last = '\0';
	uint64_t	 sum = 0;
	off_t		 at = 0;
	ssize_t		 n;

	while ((n = io_pread_full(fd, piece, sizeof(piece), at)) > 0) {
		sum += (uint64_t)n;
		end = piece + n;
		for (p = piece; p < end && (lf = memchr(p, '\n',
		    (size_t)(end - p))) != NULL; p = lf + 1)
			if ((lf == piece ? last : lf[-1]) != '\r')
				sum++;
		last = piece[n - 1];
		at += n;
	}
	*wire = sum;
	return n == -1 ? -1 : 0;
}

/* 1 when something was learnt; 0 when the letter is gone; -1 with errno. */
static int
complete(struct folder *f, struct letter *l, bool wire)
{
	struct stat	 st;
	int		 fd, r = 1;

	if ((fd = open_letter(f, l->uid, &st)) == -1)
		return errno == ENOENT ? 0 : -1;
	l->received = st.st_mtime;
	l->size = (uint64_t)st.st_size;
	if (wire && l->wire == LETTER_UNKNOWN && count_wire(fd, &l->wire) == -1)
		r = -1;
	io_close(fd);
	return r;
}

/* By stat alone, where the name is still right. */
static int
complete_date(struct folder *f, struct letter *l)
{
	char		 name[FOLDER_NAME_SIZE];
	const char	*p = name;
	struct stat	 st;
	int		 at;

	if (folder_name(f, l->uid, name) == -1)
		return errno == ENOENT ? 0 : -1;
	at = folder_place(f, &p);
	if (fstatat(at, p, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? complete(f, l, false) : -1;
	l->received = st.st_mtime;
	return 1;
}

/*
 * Keep what was learnt, and only that: flags may have changed meanwhile.  A
 * failure costs time alone.
 */
static void
keep(struct folder *f, const struct letter *l, size_t n)
{
	struct index_txn	*t;
	struct index		*ix;
	struct letter		 now;
	size_t			 i;
	int			 r = 1;

	if ((ix = account_index(f->account)) == NULL)
		return;
	if ((t = index_begin(ix, true)) == NULL) {
		folder_index_failed(f, NULL);
		return;
	}
	for (i = 0; i < n && r != -1; i++) {
		if (l[i].uid == 0 || (r = index_letter(t, f->validity,
		    l[i].uid, &now)) != 1)
			continue;
		if (now.wire == l[i].wire && now.received == l[i].received)
			continue;
		if (l[i].wire != LETTER_UNKNOWN)
			now.wire = l[i].wire;
		if (l[i].received != LETTER_UNDATED)
			now.received = l[i].received;
		if (l[i].size != LETTER_UNKNOWN)
			now.size = l[i].size;
		r = index_put(t, f->validity, &now, NULL, 1);
	}
	if (r == -1)
		folder_index_failed(f, t);
	else if (index_commit(t) == -1)
		folder_index_failed(f, NULL);
}

int
folder_complete(struct folder *f, struct letter *l, size_t n, bool wire,
    bool received)
{
	size_t	 i;
	bool	 some = false;
	int	 r;

	for (i = 0; i < n; i++) {
		if (l[i].uid == 0)
			continue;
		if (wire && l[i].wire == LETTER_UNKNOWN)
			r = complete(f, &l[i], true);
		else if (received && l[i].received == LETTER_UNDATED)
			r = complete_date(f, &l[i]);
		else
			continue;
		if (r == -1)
			return -1;
		if (r == 0)
			l[i].uid = 0;
		else
			some = true;
	}
	if (some)
		keep(f, l, n);
	return 0;
}

/* All that is known already is in the head. */
static int
octets_of_all(struct folder *f, uint64_t *octets, bool *known)
{
	struct index_head	 h;

	if (folder_read_head(f, &h) == -1)
		return -1;
	*octets = h.octets;
	*known = h.unsized == 0;
	return 0;
}

int
folder_octets(struct folder *f, bool deleted, uint64_t *octets)
{
	struct letter	*l;
	uint32_t	 first = 1;
	ssize_t		 n;
	size_t		 i, k;
	bool		 known = false;
	int		 r = 0;

	if (!deleted && octets_of_all(f, octets, &known) == -1)
		return -1;
	if (known)
		return 0;
	*octets = 0;
	l = xcalloc(OCTETS_BATCH, sizeof(*l));
	while ((n = folder_letters(f, first, 0, l, OCTETS_BATCH)) > 0) {
		first = l[n - 1].uid + 1;
		for (i = k = 0; i < (size_t)n; i++)
			if (!deleted || (l[i].flags & LETTER_DELETED) != 0)
				l[k++] = l[i];
		if ((r = folder_complete(f, l, k, true, false)) == -1)
			break;
		for (i = 0; i < k; i++)
			if (l[i].uid != 0)
				*octets += l[i].wire;
		if (first == 0)
			break;
	}
	free(l);
	return n == -1 || r == -1 ? -1 : 0;
}
