/*
 * A session at work in a mailbox, and another that deletes, renames or makes it
 * anew after every single call of the system, one after the other; then the
 * other way round.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/store/tree.h"
#include "tests/unit/folder_box.h"

#define STEPS	500	/* no act takes so many */

/* --- the calls after which the other's turn may be ------------------------ */

static void	(*meanwhile)(void);
static int	 countdown;
static bool	 inside;	/* the other one */

static void
step(void)
{
	void	(*turn)(void) = meanwhile;
	int	 saved = errno;

	if (turn != NULL && !inside && countdown-- == 0) {
		meanwhile = NULL;
		turn();
	}
	errno = saved;
}

static int
stepped(long r)
{
	step();
	return (int)r;
}

int
openat(int at, const char *path, int flags, ...)
{
	va_list	 ap;
	mode_t	 mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return stepped(syscall(SYS_openat, at, path, flags, mode));
}

int
mkdirat(int at, const char *path, mode_t mode)
{
	return stepped(syscall(SYS_mkdirat, at, path, mode));
}

int
unlinkat(int at, const char *path, int flags)
{
	return stepped(syscall(SYS_unlinkat, at, path, flags));
}

int
linkat(int from, const char *old, int to, const char *new, int flags)
{
	return stepped(syscall(SYS_linkat, from, old, to, new, flags));
}

int
renameat2(int from, const char *old, int to, const char *new,
    unsigned int flags)
{
	return stepped(syscall(SYS_renameat2, from, old, to, new, flags));
}

int
faccessat(int at, const char *path, int mode, int flags)
{
	(void)flags;
	return stepped(syscall(SYS_faccessat, at, path, mode));
}

#if defined(SYS_newfstatat) && defined(__LP64__)
int
fstatat(int at, const char *path, struct stat *st, int flags)
{
	return stepped(syscall(SYS_newfstatat, at, path, st, flags));
}
#endif

/* Nothing here is to outlive the machine. */
int
fsync(int fd)
{
	(void)fd;
	return 0;
}

/* Who would have to wait for the one that is stopped: it comes later. */
int
fcntl(int fd, int cmd, ...)
{
	va_list	 ap;
	void	*arg;
	long	 r;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	r = syscall(SYS_fcntl, fd, cmd, arg);
	if (r == -1 && cmd == F_OFD_SETLK && inside && errno == EAGAIN)
		errno = EDEADLK;
	return (int)r;
}

/* --- what they do --------------------------------------------------------- */

static struct folder		*box_a;		/* open since before; or NULL */
static struct folder_copied	 moved;
static int			 added;		/* letters made by an act */

static int
in_a(int (*fn)(struct folder *))
{
	struct folder	*f = box_a;
	int		 r, saved;

	if (f == NULL && (f = folder_open(&box_account, ".A")) == NULL)
		return -1;
	r = fn(f);
	saved = errno;
	if (box_a == NULL)
		folder_close(f);
	errno = saved;
	return r;
}

static int
look_quick(struct folder *f)
{
	struct folder_state	 s;

	return folder_sync(f, FOLDER_QUICK, &s);
}

static int
look_fully(struct folder *f)
{
	struct folder_state	 s;

	/* Nothing is known: both directories are read. */
	box_rm_index();
	return folder_sync(f, FOLDER_FULL, &s);
}

static int
claim_recent(struct folder *f)
{
	uint32_t	 first;

	return folder_claim_recent(f, &first);
}

static int
set_a_flag(struct folder *f)
{
	struct number_set	 s = box_parse("1");
	struct folder_change	 c = { FOLDER_ADD, LETTER_FLAGGED, 0,
				     UINT64_MAX };
	struct folder_result	 res;
	int			 r = folder_store(f, &s, &c, &res);

	folder_result_free(&res);
	number_set_free(&s);
	return r;
}

static int
remove_one(struct folder *f)
{
	struct number_set	 s = box_parse("1");
	struct folder_result	 res;
	int			 r = folder_expunge(f, &s, true, &res);

	added -= (int)number_set_count(&res.gone);
	folder_result_free(&res);
	number_set_free(&s);
	return r;
}

static int
append_one(struct folder *f)
{
	struct folder_append	*a = folder_append_new(f);
	uint32_t		 validity, first;
	int			 r;

	if (folder_append_begin(a, 0, 0, LETTER_UNDATED) == -1 ||
	    folder_append_data(a, "A: 1\r\n\r\n", 8) == -1 ||
	    folder_append_end(a) == -1) {
		folder_append_abort(a);
		return -1;
	}
	r = folder_append_commit(a, &validity, &first);
	added += r == 0;
	return r;
}

static int
between(struct folder *from, struct folder *to, const char *uids, bool move)
{
	struct number_set	 s = box_parse(uids);
	int			 r = folder_copy(from, &s, to, move, &moved);

	number_set_free(&s);
	return r;
}

static int
copy_there(struct folder *f)
{
	int	 r = between(box, f, "1:3", false);

	/* All of them, or a failure. */
	if (r == 0)
		assert_int_equal(moved.n, 3);
	added += r == 0 ? 3 : 0;
	return r;
}

static int
move_there(struct folder *f)
{
	return between(box, f, "1:3", true);
}

static int
move_back(struct folder *f)
{
	return between(f, box, "1:2", true);
}

static int (*const acts[])(struct folder *) = {
	look_quick, look_fully, claim_recent, set_a_flag, remove_one,
	append_one, copy_there, move_there, move_back,
};
#define ACTS	(sizeof(acts) / sizeof(acts[0]))

static int
tree_delete_a(void)
{
	return tree_delete(&box_account, slice_str("A"));
}

static int
tree_rename_a(void)
{
	return tree_rename(&box_account, slice_str("A"), slice_str("B"));
}

static int
tree_make_a_anew(void)
{
	return tree_delete_a() == -1 ? -1 :
	    tree_create(&box_account, slice_str("A"), 0);
}

static int (*const changes[])(void) = {
	tree_delete_a, tree_rename_a, tree_make_a_anew,
};
#define CHANGES	(sizeof(changes) / sizeof(changes[0]))

/* --- the other one: a process of its own ---------------------------------- */

static int	(*other_change)(void);	/* or: */
static int	(*other_act)(struct folder *);
static bool	 other_did;

static void
other_turn(void)
{
	int	 status;
	pid_t	 pid = fork();

	if (pid == 0) {
		inside = true;
		alarm(60);
		/* The index's environment is the other process's. */
		box_account.index = NULL;
		if ((other_change != NULL ? other_change() :
		    in_a(other_act)) == -1)
			_exit(errno == EDEADLK || errno == ENOENT ? 1 : 2);
		if (box_account.index != NULL)
			index_close(box_account.index);
		_exit(0);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		abort();
	assert_true(WIFEXITED(status));
	assert_in_range(WEXITSTATUS(status), 0, 1);
	other_did = WEXITSTATUS(status) == 0;
}

/* --- what must be true then ----------------------------------------------- */

static bool
is_there(const char *dir)
{
	return access(tmpdir_file(dir), F_OK) == 0;
}

static int
letters_in(const char *dir)
{
	char	 path[100];

	snprintf(path, sizeof(path), "%s/cur", dir);
	return tmpdir_count(path, NULL);
}

/* What a DELETE could not remove, the next one does. */
static void
nothing_is_left_over(void)
{
	struct dirent	*de;
	DIR		*dp;

	assert_int_equal(tree_create(&box_account, slice_str("C"), 0), 0);
	assert_int_equal(tree_delete(&box_account, slice_str("C")), 0);
	assert_non_null(dp = opendir(tmpdir_file("H/Maildir")));
	while ((de = readdir(dp)) != NULL)
		if (strncmp(de->d_name, "..", 2) == 0)
			assert_string_equal(de->d_name, "..");
	closedir(dp);
}

static void
check_names(int (*change)(void), bool did)
{
	if (!did) {
		assert_true(tree_exists(&box_account, ".A"));
		assert_false(is_there("H/Maildir/.B"));
	} else if (change == tree_make_a_anew) {
		/* With nothing of what the first one had. */
		assert_int_equal(letters_in("H/Maildir/.A"), 0);
	} else {
		assert_false(is_there("H/Maildir/.A"));
		assert_int_equal(tree_create(&box_account, slice_str("A"), 0),
		    0);
	}
}

static void
check_letters(int (*change)(void), bool did)
{
	int	 n = (int)moved.n, there = 2 + added;

	if (moved.source.gone.n == 0)
		n = 0;
	assert_in_range(letters_in("H/Maildir"), 3 - n, 3 + n);
	/* Where they were neither deleted nor can be elsewhere. */
	if (!did || change == tree_rename_a)
		assert_int_equal(letters_in("H/Maildir") + letters_in(did ?
		    "H/Maildir/.B" : "H/Maildir/.A"), 3 + there);
}

static int
setup(void **state)
{
	struct folder_state	 s;

	if (box_setup(state) == -1 ||
	    tree_create(&box_account, slice_str("A"), 0) == -1 ||
	    (box_a = folder_open(&box_account, ".A")) == NULL)
		return -1;
	box_fill(3);
	box_sync();
	box_put(".A/new/1.a.h", "A: b\n\n1\n");
	box_put(".A/new/2.a.h", "A: b\n\n2\n");
	memset(&moved, 0, sizeof(moved));
	added = 0;
	return folder_sync(box_a, FOLDER_QUICK, &s);
}

static int
teardown(void **state)
{
	meanwhile = NULL;
	folder_copied_free(&moved);
	folder_close(box_a);
	box_a = NULL;
	return box_teardown(state);
}

/* False: there was no such step. */
static bool
change_during(int (*act)(struct folder *), int (*change)(void), int k,
    bool open)
{
	bool	 reached;
	int	 r;

	assert_int_equal(setup(NULL), 0);
	if (!open) {
		folder_close(box_a);
		box_a = NULL;
	}
	other_change = change;
	other_did = false;
	countdown = k;
	meanwhile = other_turn;
	r = in_a(act);
	reached = meanwhile == NULL;
	meanwhile = NULL;
	if (r == -1)
		assert_int_equal(errno, ENOENT);
	if (!other_did)
		assert_int_equal(r, 0);
	check_letters(change, other_did);
	check_names(change, other_did);
	nothing_is_left_over();
	assert_int_equal(teardown(NULL), 0);
	return reached;
}

static void
a_mailbox_may_change_under_who_has_it_open(void **state)
{
	size_t	 i, c;
	int	 k;

	(void)state;
	for (i = 0; i < ACTS; i++)
		for (c = 0; c < CHANGES; c++) {
			for (k = 0; k < STEPS; k++)
				if (!change_during(acts[i], changes[c], k,
				    true))
					break;
			assert_in_range(k, 1, STEPS - 1);
		}
}

static void
a_mailbox_may_change_under_who_opens_it(void **state)
{
	size_t	 c;
	int	 k;

	(void)state;
	for (c = 0; c < CHANGES; c++) {
		for (k = 0; k < STEPS; k++)
			if (!change_during(look_quick, changes[c], k, false))
				break;
		assert_in_range(k, 5, STEPS - 1);
	}
}

/* The act is the other's, with a folder that it has open. */
static bool
act_during(int (*change)(void), int (*act)(struct folder *), int k)
{
	bool	 reached;

	assert_int_equal(setup(NULL), 0);
	other_change = NULL;
	other_act = act;
	countdown = k;
	meanwhile = other_turn;
	assert_int_equal(change(), 0);
	reached = meanwhile == NULL;
	meanwhile = NULL;
	check_names(change, true);
	nothing_is_left_over();
	assert_int_equal(teardown(NULL), 0);
	return reached;
}

static void
who_has_it_open_may_act_while_it_changes(void **state)
{
	size_t	 i, c;
	int	 k;

	(void)state;
	for (i = 0; i < ACTS; i++)
		for (c = 0; c < CHANGES; c++) {
			for (k = 0; k < STEPS; k++)
				if (!act_during(changes[c], acts[i], k))
					break;
			assert_in_range(k, 5, STEPS - 1);
		}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(a_mailbox_may_change_under_who_has_it_open),
		cmocka_unit_test(a_mailbox_may_change_under_who_opens_it),
		cmocka_unit_test(who_has_it_open_may_act_while_it_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
