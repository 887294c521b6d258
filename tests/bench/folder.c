/*
 * usage: folder DIR LETTERS CHANGED
 *
 * What a mailbox of so many letters costs, in an account made in DIR (which
 * must not exist): the first opening, cold and warm ones, and changes of so many
 * letters.  CPU and wall-clock time, in ms.  Linked with the libraries:
 *
 *	cc -std=c11 -D_GNU_SOURCE -O2 -I. -include config.h tests/bench/folder.c
 *	    libstore.a libmail.a libbase.a -llmdb -lunistring -lbsd
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/store/folder.h"
#include "lib/store/maildir.h"

static struct account		 account;
static struct folder		*inbox, *other;
static struct folder_state	 state;
static struct number_set	 some;
static struct timespec		 wall, cpu;

static void
must(bool ok, const char *what)
{
	if (!ok)
		fatal("event=bench-failed what=%s", what);
}

static void
start(void)
{
	clock_gettime(CLOCK_MONOTONIC, &wall);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
}

static double
since(clockid_t id, const struct timespec *t)
{
	struct timespec	 now;

	clock_gettime(id, &now);
	return (double)(now.tv_sec - t->tv_sec) * 1e3 +
	    (double)(now.tv_nsec - t->tv_nsec) / 1e6;
}

static void
stop(const char *what)
{
	double	 c = since(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	double	 w = since(CLOCK_MONOTONIC, &wall);

	printf("%-34s %9.2f ms CPU %9.2f ms\n", what, c, w);
	fflush(stdout);
}

static void
open_it(const char *home)
{
	must(account_open(&account, home, "bench") == 0, "account");
	inbox = folder_open(&account, ".");
	must(inbox != NULL, "open");
	must(folder_sync(inbox, FOLDER_QUICK, &state) == 0, "sync");
}

static void
close_it(void)
{
	folder_close(inbox);
	account_close(&account);
}

static void
fill(const char *maildir, unsigned int n)
{
	static const char	 text[] = "From: a@b\nSubject: x\n\nhello\n";
	char			 path[4300];
	unsigned int		 i;
	int			 fd;

	must(maildir_make(maildir) == 0, "make");
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/new/%u.M%06uP1.bench,S=%zu,"
		    "W=%zu", maildir, 1700000000 + i, i, sizeof(text) - 1,
		    sizeof(text) + 3);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		must(fd != -1 && io_write_all(fd, text, sizeof(text) - 1) == 0,
		    "fill");
		close(fd);
	}
}

static void
read_all(void)
{
	struct letter	 l[512];
	uint32_t	 first = 1;
	ssize_t		 n;

	while ((n = folder_letters(inbox, first, 0, l, 512)) > 0)
		first = l[n - 1].uid + 1;
	must(n == 0, "letters");
}

static void
store(enum folder_op op, uint32_t flags, const char *what)
{
	struct folder_change	 c = { op, flags, 0, UINT64_MAX };
	struct folder_result	 r;

	start();
	must(folder_store(inbox, &some, &c, &r) == 0, what);
	stop(what);
	folder_result_free(&r);
}

static void
copy(bool move, const char *what)
{
	struct folder_copied	 r;

	start();
	must(folder_copy(inbox, &some, other, move, &r) == 0, what);
	stop(what);
	must(r.n == number_set_count(&some), what);
	folder_copied_free(&r);
}

static void
changes(unsigned int letters, unsigned int n)
{
	struct folder_result	 r;

	number_set_add(&some, 1, n);
	store(FOLDER_ADD, LETTER_FLAGGED, "STORE +FLAGS");
	store(FOLDER_ADD, LETTER_FLAGGED, "STORE that changes nothing");
	store(FOLDER_REMOVE, LETTER_FLAGGED, "STORE -FLAGS");
	start();
	must(folder_sync(inbox, FOLDER_QUICK, &state) == 0, "sync");
	stop("sync after them");
	copy(false, "COPY");
	copy(true, "MOVE");
	number_set_clear(&some);
	number_set_add(&some, letters - n + 1, letters);
	store(FOLDER_ADD, LETTER_DELETED, "STORE \\Deleted");
	start();
	must(folder_expunge(inbox, NULL, false, &r) == 0, "expunge");
	stop("EXPUNGE");
	must(number_set_count(&r.gone) == n, "expunge");
	folder_result_free(&r);
}

static void
append(unsigned int n)
{
	static const char	 text[] = "From: a@b\r\nSubject: x\r\n\r\nhi";
	struct folder_append	*a;
	uint32_t		 validity, first;
	unsigned int		 i;

	start();
	for (i = 0; i < n; i++) {
		a = folder_append_new(inbox);
		must(folder_append_begin(a, 0, 0, LETTER_UNDATED) == 0 &&
		    folder_append_data(a, text, sizeof(text) - 1) == 0 &&
		    folder_append_end(a) == 0 &&
		    folder_append_commit(a, &validity, &first) == 0,
		    "append");
	}
	stop("APPEND of a tenth, one by one");
}

static void
opens(const char *home, unsigned int n)
{
	char	 path[4300];

	start();
	open_it(home);
	stop("first opening: all get UIDs");
	close_it();
	start();
	open_it(home);
	stop("warm opening");
	start();
	read_all();
	stop("all letters");
	close_it();
	snprintf(path, sizeof(path), "rm -rf '%s/index'", home);
	must(system(path) == 0, "rm");
	start();
	open_it(home);
	stop("cold opening: no index");
	must(state.count == n, "count");
	sleep(3);
	start();
	must(folder_sync(inbox, FOLDER_FULL, &state) == 0, "sync");
	stop("FULL sync that finds nothing");
	start();
	for (n = 0; n < 1000; n++)
		must(folder_sync(inbox, FOLDER_QUICK, &state) == 0, "sync");
	stop("1000 QUICK syncs");
}

int
main(int argc, char *argv[])
{
	char		 maildir[4096], sub[4200];
	unsigned int	 letters, n;
	struct rusage	 ru;

	if (argc != 4) {
		fprintf(stderr, "usage: folder DIR LETTERS CHANGED\n");
		return 64;
	}
	letters = (unsigned int)strtoul(argv[2], NULL, 10);
	n = (unsigned int)strtoul(argv[3], NULL, 10);
	log_init("folder");
	must(mkdir(argv[1], 0700) == 0, argv[1]);
	snprintf(maildir, sizeof(maildir), "%s/Maildir", argv[1]);
	snprintf(sub, sizeof(sub), "%s/Maildir/.Other", argv[1]);
	fill(maildir, letters);
	must(maildir_make(sub) == 0, sub);
	opens(argv[1], letters);
	other = folder_open(&account, ".Other");
	must(other != NULL &&
	    folder_sync(other, FOLDER_QUICK, &state) == 0, "other");
	changes(letters, n);
	append(n / 10);
	number_set_free(&some);
	folder_close(other);
	close_it();
	getrusage(RUSAGE_SELF, &ru);
	printf("%-34s %9ld KiB\n", "largest size", ru.ru_maxrss);
	return 0;
}
