/* Mailboxes come, go and change names; contract in tree.h. */
#include <sys/stat.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/store/folder.h"
#include "lib/store/maildir.h"
#include "lib/store/tree_parts.h"
#include "lib/store/trigram.h"
#include "lib/store/uidstate.h"
#include "lib/store/wake.h"

/* Directories on their way in and out; no mailbox is called so. */
#define COMING	"..coming"
#define GOING	"..going-"
#define GOING_TRIES	5	/* to remove one */

struct removed {
	int64_t	 octets, count;
};

/* r: counts letters; or NULL. */
static int
remove_file(int fd, const char *name, struct removed *r)
{
	struct maildir_name	 m;
	struct stat		 st;

	if (r == NULL || !maildir_name_parse(name, &m))
		return unlinkat(fd, name, 0);
	if (m.size == UINT64_MAX)
		m.size = fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ?
		    (uint64_t)st.st_size : 0;
	if (unlinkat(fd, name, 0) == -1)
		return -1;
	r->octets += (int64_t)m.size;
	r->count++;
	return 0;
}

/* As far as it goes; a Maildir has one level of directories. */
static int
remove_dir(int at, const char *name, int depth, struct removed *r)
{
	struct dirent	*d;
	DIR		*dp;
	bool		 letters = strcmp(name, "cur") == 0 ||
			    strcmp(name, "new") == 0;

	if ((dp = io_opendir(at, name, O_NOFOLLOW)) == NULL)
		return -1;
	while ((d = readdir(dp)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 ||
		    strcmp(d->d_name, "..") == 0)
			continue;
		if (remove_file(dirfd(dp), d->d_name, letters ? r : NULL) ==
		    -1 && (errno == EISDIR || errno == EPERM) && depth > 0)
			remove_dir(dirfd(dp), d->d_name, depth - 1, r);
	}
	closedir(dp);
	return unlinkat(at, name, AT_REMOVEDIR);
}

/* Call fn for the names in the Maildir that start so; false: it failed. */
static bool
each_dir(struct account *a, const char *start,
    void (*fn)(struct account *, const char *dir, void *), void *arg)
{
	struct dirent	*d;
	DIR		*dp;

	if ((dp = io_opendir(a->maildirfd, ".", 0)) == NULL)
		return false;
	while ((d = readdir(dp)) != NULL)
		if (strncmp(d->d_name, start, strlen(start)) == 0)
			fn(a, d->d_name, arg);
	closedir(dp);
	return true;
}

static void
count_dir(struct account *a, const char *dir, void *arg)
{
	(void)a;
	if (dir[1] != '.' && dir[1] != '\0')
		++*(unsigned int *)arg;
}

/* --- CREATE ----------------------------------------------------------------- */

static int
fill_dir(struct account *a, int fd)
{
	static const char *const	 sub[] = { "tmp", "new", "cur" };
	size_t				 i;
	int				 mark;

	for (i = 0; i < 3; i++)
		if (mkdirat(fd, sub[i], 0700) == -1)
			return -1;
	/* What says to others that this is a part of a Maildir++. */
	mark = openat(fd, "maildirfolder",
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (mark == -1)
		return -1;
	io_close(mark);
	return uidstate_create(a->maildirfd, fd) == -1 ? -1 : fsync(fd);
}

/* With the lock held. */
static int
make(struct account *a, const char *dir)
{
	int	 fd, saved;

	if (mkdirat(a->maildirfd, COMING, 0700) == -1 && (errno != EEXIST ||
	    remove_dir(a->maildirfd, COMING, 1, NULL) == -1 ||
	    mkdirat(a->maildirfd, COMING, 0700) == -1))
		return -1;
	fd = openat(a->maildirfd, COMING,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1 && fill_dir(a, fd) == 0 && io_rename_new(a->maildirfd,
	    COMING, a->maildirfd, dir) == 0) {
		io_close(fd);
		return io_fsync_dir(a->maildirfd, ".");
	}
	saved = errno;
	io_close(fd);
	remove_dir(a->maildirfd, COMING, 1, NULL);
	errno = saved;
	return -1;
}

static int
create(struct account *a, const char *dir, unsigned int uses)
{
	struct special	 s;
	unsigned int	 n = 0;
	int		 r;

	if (tree_exists(a, dir)) {
		errno = EEXIST;
		return -1;
	}
	if (!each_dir(a, ".", count_dir, &n) || special_read(a, &s) == -1)
		return -1;
	if (n >= TREE_MAILBOXES || special_taken(&s, uses)) {
		errno = n >= TREE_MAILBOXES ? ENOSPC : ENOTUNIQ;
		r = -1;
	} else if ((r = make(a, dir)) == 0 && uses != 0) {
		special_set(&s, dir, uses);
		r = special_write(a, &s);
	}
	special_free(&s);
	return r;
}

int
tree_create(struct account *a, struct slice name, unsigned int uses)
{
	char	 dir[MAILBOX_DIR_MAX + 1];
	int	 lock, r;

	if (tree_dir(name, dir) == -1 || (lock = tree_lock(a)) == -1)
		return -1;
	r = create(a, dir, uses);
	io_close(lock);
	if (r == 0)
		wake_send(a->homefd, "*");
	return r;
}

/* --- DELETE ----------------------------------------------------------------- */

static void
forget(struct account *a, uint32_t validity)
{
	struct index		*index = account_index(a);
	struct index_txn	*txn;

	if (validity != 0)
		trigram_remove(a->homefd, validity);
	if (validity == 0 || index == NULL ||
	    (txn = index_begin(index, true)) == NULL)
		return;
	if (index_forget(txn, validity) == -1)
		index_abort(txn);
	else
		index_commit(txn);
}

/*
 * With the mailbox's lock: who is at work there comes to an end first, and who
 * waits for the lock then sees that the mailbox is gone (folder.c).  It is not
 * held while files are removed, because NFS keeps what is open.
 */
static int
move_away(struct account *a, const char *dir, uint32_t *validity)
{
	struct uidstate	 st;
	char		 going[64];
	int		 fd, r;

	*validity = 0;
	fd = openat(a->maildirfd, dir,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if ((r = uidstate_open(fd, &st)) == 0) {
		if (st.found == UIDSTATE_OK)
			*validity = st.validity;
		snprintf(going, sizeof(going), GOING "%lu-%lld",
		    (unsigned long)*validity, (long long)io_time_us());
		r = io_rename_new(a->maildirfd, dir, a->maildirfd, going);
		uidstate_close(&st);
	}
	io_close(fd);
	return r;
}

static void
remove_going(struct account *a, const char *dir, void *arg)
{
	unsigned int	 i;

	/* Who has it open may just have made a file there. */
	for (i = 0; i < GOING_TRIES; i++) {
		if (remove_dir(a->maildirfd, dir, 1, arg) == 0)
			return;
		if (errno != ENOTEMPTY && errno != EEXIST)
			break;
	}
	log_warn("event=mailbox-not-removed path=%s/%s",
	    log_esc(a->maildir), log_esc(dir));
}

static void
set_uses(struct account *a, const char *dir, unsigned int uses)
{
	struct special	 s;

	if (special_read(a, &s) == -1)
		return;
	if (special_uses(&s, dir) != uses) {
		special_set(&s, dir, uses);
		if (special_write(a, &s) == -1)
			log_warn("event=special-use-failed path=%s",
			    log_esc(a->maildir));
	}
	special_free(&s);
}

/* With the lock held. */
static int
delete(struct account *a, const char *dir)
{
	struct removed	 r = { 0, 0 };
	uint32_t	 validity;

	if (strcmp(dir, ".") == 0 || !tree_exists(a, dir)) {
		errno = strcmp(dir, ".") == 0 ? EBUSY : ENOENT;
		return -1;
	}
	if (move_away(a, dir, &validity) == -1 ||
	    io_fsync_dir(a->maildirfd, ".") == -1)
		return -1;
	set_uses(a, dir, 0);
	wake_send(a->homefd, dir);
	forget(a, validity);
	/* Those of a session that was killed here, too. */
	each_dir(a, GOING, remove_going, &r);
	if (r.count > 0)
		account_quota_add(a, -r.octets, -r.count);
	return 0;
}

int
tree_delete(struct account *a, struct slice name)
{
	char	 dir[MAILBOX_DIR_MAX + 1];
	int	 lock, r;

	if (tree_dir(name, dir) == -1 || (lock = tree_lock(a)) == -1)
		return -1;
	r = delete(a, dir);
	io_close(lock);
	return r;
}

/* --- RENAME ----------------------------------------------------------------- */

struct move {
	char	*from, *to;
};

struct moves {
	const char	*from, *to;
	struct move	*move;
	size_t		 n;
	int		 error;
};

/* The mailbox itself, or one below it. */
static void
add_move(struct account *a, const char *dir, void *arg)
{
	struct moves	*m = arg;
	const char	*rest = dir + strlen(m->from);
	struct move	*move;

	if ((*rest != '\0' && *rest != '.') || !tree_exists(a, dir))
		return;
	if (strlen(m->to) + strlen(rest) > MAILBOX_DIR_MAX)
		m->error = ENAMETOOLONG;
	m->move = xreallocarray(m->move, m->n + 1, sizeof(*move));
	move = &m->move[m->n++];
	move->from = xstrdup(dir);
	xasprintf(&move->to, "%s%s", m->to, rest);
	if (faccessat(a->maildirfd, move->to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		m->error = EEXIST;
}

static int
move_all(struct account *a, struct moves *m)
{
	size_t	 i;
	int	 saved;

	for (i = 0; i < m->n; i++)
		if (io_rename_new(a->maildirfd, m->move[i].from, a->maildirfd,
		    m->move[i].to) == -1)
			break;
	if (i == m->n)
		return io_fsync_dir(a->maildirfd, ".");
	saved = errno;
	while (i-- > 0)
		io_rename_new(a->maildirfd, m->move[i].to, a->maildirfd,
		    m->move[i].from);
	errno = saved;
	return -1;
}

/* Uses go along; sessions there find their mailbox gone. */
static void
tell_moves(struct account *a, const struct moves *m)
{
	struct special	 s;
	unsigned int	 uses, all = 0;
	size_t		 i;

	if (special_read(a, &s) == -1)
		return;
	for (i = 0; i < m->n; i++) {
		wake_send(a->homefd, m->move[i].from);
		all |= uses = special_uses(&s, m->move[i].from);
		if (uses != 0) {
			special_set(&s, m->move[i].from, 0);
			special_set(&s, m->move[i].to, uses);
		}
	}
	if (all != 0 && special_write(a, &s) == -1)
		log_warn("event=special-use-failed path=%s",
		    log_esc(a->maildir));
	special_free(&s);
}

static int
rename_dirs(struct account *a, const char *from, const char *to)
{
	struct moves	 m = { .from = from, .to = to };
	int		 r = -1, saved;
	size_t		 i;

	if (!each_dir(a, from, add_move, &m))
		m.error = errno;
	else if (m.n == 0)
		m.error = ENOENT;
	else if (faccessat(a->maildirfd, to, F_OK,
	    AT_SYMLINK_NOFOLLOW) == 0)
		m.error = EEXIST;
	errno = m.error;
	if (m.error == 0 && (r = move_all(a, &m)) == 0)
		tell_moves(a, &m);
	saved = errno;
	for (i = 0; i < m.n; i++) {
		free(m.move[i].from);
		free(m.move[i].to);
	}
	free(m.move);
	errno = saved;
	return r;
}

/* RFC 9051 6.3.6: INBOX's letters leave, INBOX and its children stay. */
static int
empty_inbox(struct account *a, const char *to)
{
	struct folder		*from, *target;
	struct folder_copied	 copied = { 0 };
	struct folder_state	 state;
	struct number_set	 uids = { 0 };
	int			 r = -1;

	from = folder_open(a, ".");
	target = folder_open(a, to);
	if (from != NULL && target != NULL &&
	    folder_sync(from, FOLDER_FULL, &state) == 0 &&
	    folder_uids(from, &uids) == 0)
		r = number_set_count(&uids) == 0 ? 0 :
		    folder_copy(from, &uids, target, true, &copied);
	folder_copied_free(&copied);
	number_set_free(&uids);
	folder_close(target);
	folder_close(from);
	return r;
}

static bool
is_below(struct slice name, struct slice top)
{
	return name.len > top.len && name.ptr[top.len] == '/' &&
	    memcmp(name.ptr, top.ptr, top.len) == 0;
}

int
tree_rename(struct account *a, struct slice from, struct slice to)
{
	char	 fromdir[MAILBOX_DIR_MAX + 1], todir[MAILBOX_DIR_MAX + 1];
	bool	 inbox;
	int	 lock, r;

	if (tree_dir(from, fromdir) == -1 || tree_dir(to, todir) == -1)
		return -1;
	inbox = strcmp(fromdir, ".") == 0;
	if (strcmp(todir, ".") == 0 || strcmp(fromdir, todir) == 0) {
		errno = EEXIST;
		return -1;
	}
	if (!inbox && is_below(to, from)) {
		errno = EINVAL;
		return -1;
	}
	if ((lock = tree_lock(a)) == -1)
		return -1;
	r = inbox ? create(a, todir, 0) : rename_dirs(a, fromdir, todir);
	io_close(lock);
	return r == 0 && inbox ? empty_inbox(a, todir) : r;
}

/* --- a new account -------------------------------------------------------- */

/*
 * The file of special uses is the mark: once it is there the user decides.  A
 * Maildir that was in use before only has its mailboxes known by their names.
 */
int
tree_make_defaults(struct account *a, const struct tree_default *d, size_t n)
{
	char		 dir[MAILBOX_DIR_MAX + 1];
	struct special	 s;
	unsigned int	 count = 0;
	bool		 fresh;
	int		 lock, r = 0;
	size_t		 i;

	if (faccessat(a->maildirfd, "special-use", F_OK, 0) == 0)
		return 0;
	if ((lock = tree_lock(a)) == -1)
		return -1;
	if (!each_dir(a, ".", count_dir, &count) ||
	    special_read(a, &s) == -1) {
		io_close(lock);
		return -1;
	}
	fresh = count == 0 && !s.there && faccessat(a->maildirfd,
	    "subscriptions", F_OK, 0) == -1;
	for (i = 0; i < n && r == 0 && !s.there; i++) {
		/* Without a name, or one that cannot be: none. */
		if (d[i].name == NULL || tree_dir(slice_str(d[i].name), dir) == -1)
			continue;
		if (fresh && (r = make(a, dir)) == -1 && errno == EEXIST)
			r = 0;
		if (tree_exists(a, dir))
			special_set(&s, dir, d[i].use);
	}
	if (r == 0 && !s.there)
		r = special_write(a, &s);
	special_free(&s);
	io_close(lock);
	for (i = 0; i < n && r == 0 && fresh; i++)
		if (d[i].name != NULL && tree_dir(slice_str(d[i].name),
		    dir) == 0)
			r = tree_subscribe(a, slice_str(d[i].name), true);
	return r;
}
