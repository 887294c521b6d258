/* Directories made where others may write: which paths, which owners. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/subdir.h"
#include "lib/base/xmalloc.h"

static char	 dir[] = "/tmp/merpati-subdir.XXXXXX";

static void
only_plain_paths_lie_below(void **state)
{
	static const struct {
		const char	*path, *root;
		bool		 below;
	}		 t[] = {
		{ "/m/a", "/m", true }, { "/m/a/b", "/m/", true },
		{ "/m/a", "/m//", true }, { "/m/..a", "/m", true },
		{ "/m/.a", "/m", true },
		{ "/m", "/m", false }, { "/m/", "/m", false },
		{ "/m/a/", "/m", false }, { "/m//a", "/m", false },
		{ "/m/./a", "/m", false }, { "/m/a/.", "/m", false },
		{ "/m/../a", "/m", false }, { "/m/a/..", "/m", false },
		{ "/ma", "/m", false }, { "/n/a", "/m", false },
		{ "m/a", "m", false }, { "", "/m", false },
		{ "/a", "/", false }, { "/a", "", false },
	};
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (subdir_below(t[i].path, t[i].root) != t[i].below)
			fail_msg("%s below %s", t[i].path, t[i].root);
}

/* What subdir_make() says of DIR/name, and what is there then. */
static int
make(const char *name, uid_t uid, struct stat *st)
{
	char	*path;
	int	 r, saved;

	xasprintf(&path, "%s/%s", dir, name);
	r = subdir_make(path, strlen(dir), uid, uid == 0 ? getegid() : uid);
	saved = errno;
	if (stat(path, st) == -1)
		memset(st, 0, sizeof(*st));
	free(path);
	errno = saved;
	return r;
}

static char *
in(const char *name)
{
	static char	 path[200];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
homes_are_made_with_their_parents(void **state)
{
	uid_t		 uid = geteuid() == 0 ? 12345 : geteuid();
	struct stat	 st;

	(void)state;
	assert_int_equal(make("a/b/c", uid, &st), 0);
	assert_int_equal(st.st_uid, uid);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(make("a/b/c", uid, &st), 0);
	assert_int_equal(stat(in("a/b"), &st), 0);
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_int_equal(make("a/b/d", uid, &st), 0);
	/* What a crash left on the way to a home is in nobody's way. */
	assert_int_equal(mkdir(in("a/b/.merpati-new"), 0700), 0);
	assert_int_equal(make("a/b/e", uid, &st), 0);
	assert_int_equal(st.st_uid, uid);
	assert_int_equal(access(in("a/b/.merpati-new"), F_OK), -1);
}

static void
what_others_could_change_is_refused(void **state)
{
	struct stat	 st;
	FILE		*f;

	(void)state;
	assert_int_equal(mkdir(in("real"), 0711), 0);
	assert_int_equal(symlink("real", in("link")), 0);
	assert_int_equal(make("link", geteuid(), &st), -1);
	assert_int_equal(make("link/x", geteuid(), &st), -1);
	assert_int_equal(access(in("real/x"), F_OK), -1);
	assert_int_equal(mkdir(in("open"), 0711), 0);
	assert_int_equal(chmod(in("open"), 0733), 0);
	assert_int_equal(make("open/x", geteuid(), &st), -1);
	assert_int_equal(errno, EPERM);
	assert_non_null(f = fopen(in("file"), "w"));
	fclose(f);
	assert_int_equal(make("file", geteuid(), &st), -1);
	assert_int_equal(make("file/x", geteuid(), &st), -1);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(make("x", geteuid(), &st), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(chmod(dir, 0755), 0);
	if (geteuid() != 0)
		return;
	/* A third uid's, and a home that is somebody else's already. */
	assert_int_equal(make("theirs", 12346, &st), 0);
	assert_int_equal(make("theirs", 12345, &st), -1);
	assert_int_equal(make("theirs/x", 12345, &st), -1);
	assert_int_equal(errno, EPERM);
	/* A domain's directory is nobody's home. */
	assert_int_equal(make("domain/x", 12345, &st), 0);
	assert_int_equal(make("domain", 12345, &st), -1);
	assert_int_equal(errno, EPERM);
}

static int
start(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL || chmod(dir, 0755) == -1;
}

static int
stop(void **state)
{
	char	*rm;
	int	 r;

	(void)state;
	xasprintf(&rm, "rm -rf '%s'", dir);
	r = system(rm);
	free(rm);
	return r;
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(only_plain_paths_lie_below),
		cmocka_unit_test(homes_are_made_with_their_parents),
		cmocka_unit_test(what_others_could_change_is_refused),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
