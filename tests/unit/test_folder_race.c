/* Changes of mailboxes by several processes at once, ours and others. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/unit/change_box.h"

#define FAILED	(-10000)

/* What a session may do, at random; every letter must stay accounted for. */
static int
worker(unsigned int seed)
{
	static const char	*const t[] = { "A: 1\r\n\r\n" };
	struct account		 a;
	struct folder		*f[2];
	struct folder_state	 s;
	struct folder_change	 c = { FOLDER_ADD, LETTER_SEEN, 0, UINT64_MAX };
	struct folder_result	 r;
	struct folder_copied	 d;
	struct number_set	 u = { NULL, 0, 0 };
	uint32_t		 first;
	int			 i, k, made = 0;

	if (account_open(&a, tmpdir_file("H"), "host") == -1 ||
	    (f[0] = folder_open(&a, ".")) == NULL ||
	    (f[1] = folder_open(&a, ".O")) == NULL)
		return FAILED;
	for (i = 0; i < 60; i++) {
		k = rand_r(&seed) % 2;
		c.op = rand_r(&seed) % 2 ? FOLDER_ADD : FOLDER_REMOVE;
		if (folder_sync(f[k], FOLDER_QUICK, &s) == -1 ||
		    folder_uids(f[k], &u) == -1)
			return FAILED;
		first = s.count == 0 ? 0 : number_set_at(&u,
		    (uint32_t)rand_r(&seed) % s.count + 1);
		switch (rand_r(&seed) % 4) {
		case 0:
			if (append(f[k], t, 1, 0, &first) == -1)
				return FAILED;
			made++;
			break;
		case 1:
			if (folder_store(f[k], &u, &c, &r) == -1)
				return FAILED;
			folder_result_free(&r);
			break;
		case 2:
			if (first == 0)
				break;
			number_set_clear(&u);
			number_set_add(&u, first, first);
			if (folder_copy(f[k], &u, f[!k], true, &d) == -1)
				return FAILED;
			folder_copied_free(&d);
			break;
		case 3:
			if (first == 0)
				break;
			number_set_clear(&u);
			number_set_add(&u, first, first);
			if (folder_expunge(f[k], &u, true, &r) == -1)
				return FAILED;
			made -= (int)number_set_count(&r.gone);
			folder_result_free(&r);
			break;
		}
	}
	number_set_free(&u);
	folder_close(f[0]);
	folder_close(f[1]);
	account_close(&a);
	return made;
}

/* Does the index say what the names say? */
static void
check_against_names(struct folder *f, const char *dir, unsigned int count)
{
	struct folder_state	 s;
	struct letter		 l[512];
	struct maildir_name	 m;
	uint32_t		 flags, keywords, unseen = 0;
	ssize_t			 n, i;
	char			 name[300];

	assert_int_equal(folder_sync(f, FOLDER_QUICK, &s), 0);
	assert_int_equal(s.count, count);
	n = folder_letters(f, 1, 0, l, 512);
	assert_int_equal(n, count);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s", box_file(dir, l[i].uid));
		assert_true(maildir_name_parse(name, &m));
		maildir_name_flags(&m, &flags, &keywords);
		assert_int_equal(l[i].flags, flags);
		assert_int_equal(l[i].keywords, keywords);
		assert_true(l[i].uid < s.next);
		assert_true(l[i].modseq <= s.modseq);
		unseen += (flags & LETTER_SEEN) == 0;
	}
	assert_int_equal(s.unseen, unseen);
}

static void
sessions_at_once_lose_and_double_nothing(void **state)
{
	pid_t	 pid[4];
	int	 i, status, fd[2], made, sum = 20, a, b;

	(void)state;
	box_fill(20);
	box_sync();
	folder_close(other);
	other = NULL;
	box_close();
	assert_int_equal(pipe(fd), 0);
	for (i = 0; i < 4; i++)
		if ((pid[i] = fork()) == 0) {
			made = worker((unsigned int)i + 1);
			if (write(fd[1], &made, sizeof(made)) != sizeof(made))
				_exit(2);
			_exit(made == FAILED);
		}
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
		assert_int_equal(read(fd[0], &made, sizeof(made)),
		    sizeof(made));
		sum += made;
	}
	close(fd[0]);
	close(fd[1]);
	box_open();
	other = folder_open(&box_account, ".O");
	a = tmpdir_count("H/Maildir/cur", NULL);
	b = tmpdir_count("H/Maildir/.O/cur", NULL);
	assert_int_equal(a + b, sum);
	check_against_names(box, ".", (unsigned int)a);
	check_against_names(other, ".O", (unsigned int)b);
	assert_int_equal(tmpdir_count("H/Maildir/tmp", NULL), 0);
}

/* Rename letters as mutt would, without our lock, until told to stop. */
static void
meddle(int stop)
{
	static const char	*const flags[] = { "", "F", "S", "FS", "RS" };
	char			 from[400], to[400], *colon;
	struct dirent		*de;
	DIR			*dp;
	unsigned int		 seed = 7, n = 0;
	char			 c;

	for (;;) {
		if ((dp = opendir(tmpdir_file("H/Maildir/cur"))) == NULL)
			_exit(1);
		while ((de = readdir(dp)) != NULL && ++n % 64 != 0) {
			if (de->d_name[0] == '.' || rand_r(&seed) % 4 != 0)
				continue;
			snprintf(from, sizeof(from), "%s", de->d_name);
			snprintf(to, sizeof(to), "%s", de->d_name);
			if ((colon = strchr(to, ':')) == NULL)
				continue;
			strcpy(colon + 1, "2,");
			strcat(colon, flags[rand_r(&seed) % 5]);
			renameat(dirfd(dp), from, dirfd(dp), to);
		}
		closedir(dp);
		if (read(stop, &c, 1) != -1)
			_exit(0);
	}
}

static void
what_others_rename_never_seems_to_be_gone(void **state)
{
	const unsigned int	 letters = 1500;
	pid_t			 pid;
	int			 fd[2], i, status;

	(void)state;
	box_fill(letters);
	box_sync();
	assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
	if ((pid = fork()) == 0) {
		close(fd[1]);
		meddle(fd[0]);
	}
	close(fd[0]);
	for (i = 0; i < 60; i++) {
		box_sync();
		assert_int_equal(box_state.count, letters);
		assert_int_equal(box_state.next, letters + 1);
		/* All of it, or a failure that says so. */
		if (i % 10 == 0 && store("1:50", i % 20 == 0 ? FOLDER_ADD :
		    FOLDER_REMOVE, LETTER_DRAFT, 0, UINT64_MAX) == -1)
			assert_int_equal(errno, EAGAIN);
		if (i % 10 != 5)
			continue;
		if (copy(box, "1:20", other, false) == 0)
			assert_int_equal(cop.n, 20);
		else
			assert_int_equal(errno, EAGAIN);
	}
	close(fd[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	box_wait();
	box_sync();
	assert_string_equal(box_uids(box), "1:1500");
	assert_int_equal(tmpdir_count("H/Maildir/cur", NULL), letters);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(sessions_at_once_lose_and_double_nothing),
		T(what_others_rename_never_seems_to_be_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
