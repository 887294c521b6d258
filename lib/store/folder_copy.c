/*
 * COPY and MOVE. Contract in folder.h.
 *
 * COPY takes the target's lock alone and reads the source as it is; a file
 * that was renamed meanwhile is looked for in the source's directory by its
 * key. MOVE takes both locks, that of the lower UIDVALIDITY first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/folder_parts.h"
#include "lib/store/folder_scan.h"
#include "lib/store/maildir.h"
#include "lib/store/wake.h"

#define LOOKS	3	/* for files that somebody keeps renaming */

struct job {
	struct folder		*from, *to;
	bool			 move, same;
	struct uidstate		 fst, tst;
	struct folder_list	 src;	/* key: place in l, name: source's */
	struct folder_list	 dst;	/* key: place in l, name: the new one */
	struct letter		*l;	/* source's, uid the source's */
	size_t			 n, room;
	uint32_t		 first;	/* the new UID of l[0] */
	struct number_set	 lost;	/* UIDs not there by their name */
	struct folder_copied	*out;
};

void
folder_copied_free(struct folder_copied *c)
{
	free(c->from);
	free(c->to);
	folder_result_free(&c->source);
	memset(c, 0, sizeof(*c));
}

/* --- what there is to copy ----------------------------------------------- */

static int
add_letter(struct job *j, const struct letter *l, const char *name)
{
	const char	*p = name;
	struct stat	 st;
	int		 at;

	if (j->n == j->room) {
		j->room = j->room == 0 ? 64 : j->room * 2;
		j->l = xreallocarray(j->l, j->room, sizeof(*j->l));
	}
	j->l[j->n] = *l;
	if (l->size == LETTER_UNKNOWN) {
		at = folder_place(j->from, &p);
		if (fstatat(at, p, &st, AT_SYMLINK_NOFOLLOW) == 0)
			j->l[j->n].size = (uint64_t)st.st_size;
	}
	return folder_list_add(&j->src, (uint32_t)j->n++, "", name);
}

static int
load_all(struct job *j, const struct number_set *uids)
{
	struct folder_batch	*b = xcalloc(1, sizeof(*b));
	uint32_t		 from = 1;
	size_t			 i;
	int			 r = 0;

	while (r == 0 && from != 0) {
		r = folder_batch_load(j->from, uids, 0, &from, b);
		for (i = 0; r == 0 && i < b->n; i++)
			r = add_letter(j, &b->letter[i], b->name[i]);
	}
	free(b);
	return r;
}

static uint64_t
octets_of(const struct job *j)
{
	uint64_t	 sum = 0;
	size_t		 i;

	for (i = 0; i < j->n; i++)
		if (j->l[i].size != LETTER_UNKNOWN)
			sum += j->l[i].size;
	return sum;
}

static int
check_quota(struct job *j)
{
	int	 r;

	if (j->move)
		return 0;
	r = account_quota_room(j->to->account, octets_of(j), j->n);
	if (r == 0)
		errno = EDQUOT;
	return r == 1 ? 0 : -1;
}

/* --- files --------------------------------------------------------------- */

static int
make_one(struct job *j, size_t i, const char *name)
{
	char	 as[300];
	int	 r;

	if (folder_make_name(j->to, j->tst.validity, j->first + (uint32_t)i,
	    &j->l[i], as) == -1)
		return -1;
	if (j->move)
		r = folder_make_move(j->from, name, j->to, as);
	else
		r = folder_make_link(j->from, name, j->to, as);
	if (r == -1)
		return -1;
	return folder_list_add(&j->dst, (uint32_t)i, "", as);
}

static int
make_all(struct job *j)
{
	size_t	 i;

	for (i = 0; i < j->n; i++) {
		if (make_one(j, i, folder_list_name(&j->src, i)) == 0)
			continue;
		if (errno != ENOENT)
			return -1;
		number_set_add(&j->lost, j->l[i].uid, j->l[i].uid);
	}
	return 0;
}

static int
by_uid(const void *key, const void *letter)
{
	uint32_t	 a = *(const uint32_t *)key;
	uint32_t	 b = ((const struct letter *)letter)->uid;

	return (a > b) - (a < b);
}

/* A name in the source's cur/: is it one of those we miss? */
static int
try_lost(const char *name, void *arg)
{
	struct job		*j = arg;
	struct maildir_name	 m;
	struct letter		*l;

	if (!maildir_name_parse(name, &m) ||
	    m.validity != j->from->validity ||
	    !number_set_has(&j->lost, m.uid))
		return 0;
	l = bsearch(&m.uid, j->l, j->n, sizeof(*l), by_uid);
	maildir_name_flags(&m, &l->flags, &l->keywords);
	if (make_one(j, (size_t)(l - j->l), name) == -1)
		return errno == ENOENT ? 0 : -1;
	number_set_remove(&j->lost, m.uid, m.uid);
	return j->lost.n == 0 ? 1 : 0;
}

/*
 * Look for files that were renamed.  What is not found is gone when nothing
 * moved in the directory meanwhile; else COPY fails: a client may remove what it
 * takes for copied.
 */
static int
find_lost(struct job *j)
{
	struct timespec	 tick = { 0, FOLDER_TICK_US * 1000 };
	struct stat	 a, b;
	unsigned int	 i;

	for (i = 0; i < LOOKS && j->lost.n > 0; i++) {
		if (fstat(j->from->cur, &a) == -1)
			return -1;
		if (folder_grade(a.st_mtim, io_time_us()) == 0) {
			nanosleep(&tick, NULL);
			if (fstat(j->from->cur, &a) == -1)
				return -1;
		}
		if (folder_each_name(j->from->cur, try_lost, j) == -1 ||
		    fstat(j->from->cur, &b) == -1)
			return -1;
		/* A MOVE changes the directory itself. */
		if (j->move || j->same ||
		    folder_same_time(a.st_mtim, b.st_mtim))
			return 0;
	}
	if (j->lost.n == 0)
		return 0;
	errno = EAGAIN;
	return -1;
}

static void
undo(struct job *j)
{
	int	 saved = errno;
	size_t	 i;

	for (i = 0; i < j->dst.n; i++)
		unlinkat(j->to->cur, folder_list_name(&j->dst, i), 0);
	j->dst.n = 0;
	errno = saved;
}

static int
make_files(struct job *j)
{
	int	 r = make_all(j);

	if (r == 0 && j->lost.n > 0)
		r = find_lost(j);
	if (j->dst.n > 0 && fsync(j->to->cur) == -1)
		r = -1;
	if (r == -1 && !j->move)
		undo(j);
	folder_list_sort(&j->dst);
	return r;
}

/* --- the index, and the result ------------------------------------------- */

static void
note_result(struct job *j, struct number_set *gone)
{
	struct folder_copied	*out = j->out;
	size_t			 i, at;

	out->from = xcalloc(j->dst.n + 1, sizeof(*out->from));
	out->to = xcalloc(j->dst.n + 1, sizeof(*out->to));
	out->n = j->dst.n;
	out->validity = j->tst.validity;
	for (i = 0; i < j->dst.n; i++) {
		at = folder_list_uid(&j->dst, i);
		out->from[i] = j->l[at].uid;
		out->to[i] = j->first + (uint32_t)at;
		number_set_add(gone, j->l[at].uid, j->l[at].uid);
	}
}

static void
write_target(struct job *j, const struct folder_own *own,
    const struct number_set *gone)
{
	const char	**name = xcalloc(j->dst.n + 1, sizeof(*name));
	size_t		  i, at;

	for (i = 0; i < j->dst.n; i++) {
		at = folder_list_uid(&j->dst, i);
		name[i] = folder_list_name(&j->dst, i);
		/* Ascending, and i <= at: what is overwritten was used. */
		j->l[i] = j->l[at];
		j->l[i].uid = j->out->to[i];
		j->l[i].saved = maildir_name_time(name[i]);
	}
	folder_write(j->to, own, j->l, name, j->dst.n,
	    j->same && j->move ? gone : NULL);
	free(name);
}

static int
do_it(struct job *j)
{
	struct folder_own	 from_own, to_own;
	struct number_set	*gone = &j->out->source.gone;
	uint64_t		 octets = octets_of(j);
	int			 r, saved;

	if (check_quota(j) == -1 || folder_count_on(j->to, &j->tst) == -1)
		return -1;
	if (j->n > UINT32_MAX - j->tst.next) {
		errno = EOVERFLOW;
		return -1;
	}
	j->first = j->tst.next;
	j->tst.next += (uint32_t)j->n;
	if (uidstate_write(&j->tst) == -1)
		return -1;
	folder_begin_own(j->to, &to_own);
	folder_begin_own(j->from, &from_own);
	r = make_files(j);
	saved = errno;
	note_result(j, gone);
	if (j->dst.n > 0) {
		write_target(j, &to_own, gone);
		if (j->move && !j->same)
			folder_write(j->from, &from_own, NULL, NULL, 0, gone);
		if (!j->move)
			account_quota_add(j->to->account, (int64_t)octets,
			    (int64_t)j->dst.n);
	}
	if (!j->move)
		number_set_clear(gone);
	errno = saved;
	return r;
}

/* --- locks --------------------------------------------------------------- */

static int
lock_both(struct job *j)
{
	struct folder	*low = j->from, *high = j->to;
	struct uidstate	*low_st = &j->fst, *high_st = &j->tst;

	if (j->to->validity < j->from->validity) {
		low = j->to;
		low_st = &j->tst;
		high = j->from;
		high_st = &j->fst;
	}
	if (folder_lock(low, low_st) == -1)
		return -1;
	if (folder_lock(high, high_st) == 0)
		return 0;
	folder_unlock(low);
	return -1;
}

static int
lock(struct job *j)
{
	if (j->move && !j->same)
		return lock_both(j);
	if (folder_lock(j->to, &j->tst) == -1)
		return -1;
	if (j->same)
		j->from->held = j->to->held;
	return 0;
}

static void
unlock(struct job *j)
{
	if (j->same)
		j->from->held = NULL;
	else if (j->move)
		folder_unlock(j->from);
	j->to->held = &j->tst;
	folder_unlock(j->to);
}

static int
run(struct job *j, const struct number_set *uids)
{
	int	 r = 0;

	/* Without the target's lock: it may have to wait for the source's. */
	if (!j->move && load_all(j, uids) == -1)
		return -1;
	if (!j->move && j->n == 0) {
		j->out->validity = j->to->validity;
		return 0;
	}
	if (folder_check(j->to) == -1 || lock(j) == -1)
		return -1;
	if (!j->tst.writable) {
		errno = EROFS;
		r = -1;
	}
	if (r == 0 && j->move && (folder_sync_for_change(j->from,
	    j->from->held) == -1 || folder_modseq(j->from,
	    &j->out->source.before) == -1 || load_all(j, uids) == -1))
		r = -1;
	if (r == 0 && j->n > 0)
		r = do_it(j);
	if (j->move && folder_modseq(j->from, &j->out->source.after) == -1)
		j->out->source.after = j->out->source.before;
	unlock(j);
	return r;
}

int
folder_copy(struct folder *from, const struct number_set *uids,
    struct folder *to, bool move, struct folder_copied *out)
{
	struct job	 j = { .from = from, .to = to, .move = move,
			     .out = out };
	int		 r, saved;

	memset(out, 0, sizeof(*out));
	j.same = from->validity == to->validity;
	out->validity = to->validity;
	r = run(&j, uids);
	saved = errno;
	if (out->n > 0) {
		wake_send(to->account->homefd, to->dir);
		if (move && !j.same)
			wake_send(from->account->homefd, from->dir);
	}
	folder_list_free(&j.src);
	folder_list_free(&j.dst);
	number_set_free(&j.lost);
	free(j.l);
	errno = saved;
	return r;
}
