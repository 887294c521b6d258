/* UIDs: given once, kept for ever, on whatever file system. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "lib/store/dovecot_uidlist.h"
#include "lib/store/maildir.h"
#include "lib/store/uidlist.h"
#include "lib/store/uidstate.h"
#include "tests/unit/tmpdir.h"

/* The system's calls, made to fail on demand. */
static int	 rename_error, rename_fails_from, renames, pwrite_error;
static int	 open_error;

int
renameat2(int from, const char *old, int to, const char *new,
    unsigned int flags)
{
	renames++;
	if (rename_error != 0 && renames >= rename_fails_from) {
		errno = rename_error;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t off)
{
	if (pwrite_error != 0) {
		errno = pwrite_error;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, data, len, off);
}

int
openat(int at, const char *path, int flags, ...)
{
	va_list	 ap;
	mode_t	 mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (open_error != 0 && (flags & O_CREAT) != 0) {
		errno = open_error;
		return -1;
	}
	return (int)syscall(SYS_openat, at, path, flags, mode);
}

static struct uidlist	 l;

static int
setup(void **state)
{
	rename_error = rename_fails_from = renames = pwrite_error = 0;
	open_error = 0;
	memset(&l, 0, sizeof(l));
	return tmpdir_setup(state) == -1 ? -1 :
	    maildir_make(tmpdir_file("M"));
}

static int
teardown(void **state)
{
	uidlist_free(&l);
	return tmpdir_teardown(state);
}

static void
message(const char *name)
{
	char	 path[400];

	snprintf(path, sizeof(path), "M/%s", name);
	tmpdir_write(path, "x\n", 2);
}

static void
reopen(void)
{
	uidlist_free(&l);
	assert_int_equal(uidlist_open(tmpdir_file("M"), &l), 0);
}

static bool
exists(const char *sub, const char *name)
{
	char	 path[400];

	snprintf(path, sizeof(path), "M/%s/%s", sub, name);
	return access(tmpdir_file(path), F_OK) == 0;
}

static void
an_empty_box_gets_its_file_and_a_missing_one_is_made(void **state)
{
	struct buf	 b;
	uint32_t	 validity;

	(void)state;
	reopen();
	assert_int_equal(l.n, 0);
	assert_int_equal(l.origin, UIDLIST_MADE);
	assert_true(l.kept);
	validity = l.validity;
	reopen();
	assert_int_equal(l.origin, UIDLIST_FOUND);
	assert_int_equal(l.validity, validity);
	buf_init(&b, 1000);
	tmpdir_read("M/uidvalidity", &b);
	assert_memory_equal(buf_cstr(&b), "merpati-uid 1\nvalidity ", 23);
	assert_non_null(strstr(buf_cstr(&b), "\nnext 0000000001\n"));
	buf_free(&b);
	uidlist_free(&l);
	assert_int_equal(uidlist_open(tmpdir_file("N"), &l), 0);
	assert_int_equal(tmpdir_count("N", NULL), 5);
	uidlist_free(&l);
	assert_int_equal(uidlist_open(tmpdir_file("a/b/c/d/M"), &l), -1);
	assert_int_equal(errno, ENOENT);
}

static void
uids_go_by_age_and_stay(void **state)
{
	uint32_t	 validity;

	(void)state;
	message("new/30.c.h,S=5,W=6");
	message("new/10.a.h,S=1,W=2");
	message("cur/20.b.h:2,FS");
	message("cur/.hidden");
	reopen();
	validity = l.validity;
	assert_int_equal(l.n, 3);
	assert_int_equal(tmpdir_count("M/new", NULL), 0);
	assert_int_equal(tmpdir_count("M/cur", NULL), 4);
	assert_memory_equal(l.entry[0].name, "10.a.h,S=1,W=2,I=", 17);
	assert_string_equal(strchr(l.entry[0].name, ':'), ":2,");
	assert_memory_equal(l.entry[1].name, "20.b.h,I=", 9);
	assert_string_equal(strchr(l.entry[1].name, ':'), ":2,FS");
	assert_true(l.entry[1].size == UINT64_MAX);
	assert_true(l.entry[2].size == 5 && l.entry[2].wire == 6);
	assert_int_equal(l.entry[2].uid, 3);
	assert_true(exists("cur", l.entry[2].name));

	/* An older one comes later: a higher UID all the same. */
	message("new/05.z.h,S=1,W=2");
	renames = 0;
	reopen();
	assert_int_equal(renames, 1);
	assert_int_equal(l.n, 4);
	assert_int_equal(l.validity, validity);
	assert_memory_equal(l.entry[3].name, "05.z.h", 6);
	assert_int_equal(l.entry[3].uid, 4);
	assert_int_equal(l.next, 5);
	renames = 0;
	reopen();
	assert_int_equal(renames, 0);
	assert_int_equal(l.entry[0].uid, 1);
}

static void
a_uid_of_a_removed_message_is_not_given_again(void **state)
{
	char	 path[400];

	(void)state;
	message("new/1.a.h");
	message("new/2.b.h");
	reopen();
	snprintf(path, sizeof(path), "M/cur/%s", l.entry[1].name);
	assert_int_equal(unlink(tmpdir_file(path)), 0);
	message("new/3.c.h");
	reopen();
	assert_int_equal(l.n, 2);
	assert_int_equal(l.entry[1].uid, 3);
}

static void
write_state(const char *validity, const char *next)
{
	char	 text[200];

	snprintf(text, sizeof(text), "merpati-uid 1\nvalidity %s\nnext %s\n"
	    "modseq 7\n", validity, next);
	tmpdir_write("M/uidvalidity", text, strlen(text));
}

static void
only_true_claims_count(void **state)
{
	static const char	*const t[] = {
		"cur/1.a.h,I=2s.10:2,",		/* true */
		"cur/2.b.h,I=2t.11:2,",		/* another validity */
		"cur/3.c.h,I=2s.20:2,",		/* from next on */
		"cur/4.d.h,I=2s.4294967295:2,",
		"cur/5.e.h,I=2s.10:2,",		/* claimed twice */
		"cur/6.f.h,I=2s.10:2,S",	/* thrice */
		"cur/7.g.h,I=2S.12:2,",		/* malformed */
	};
	char			 name[64];
	size_t			 i;

	(void)state;
	write_state("100", "20");
	for (i = 0; i < 7; i++)
		message(t[i]);
	reopen();
	assert_int_equal(l.validity, 100);
	assert_int_equal(l.n, 7);
	assert_int_equal(l.entry[0].uid, 10);
	assert_string_equal(l.entry[0].name, "1.a.h,I=2s.10:2,");
	for (i = 1; i < 7; i++) {
		snprintf(name, sizeof(name), "%zu.%c.h,I=2s.%zu:2,%s", i + 1,
		    'a' + (char)i, i + 19, i == 5 ? "S" : "");
		assert_string_equal(l.entry[i].name, name);
		assert_int_equal(l.entry[i].uid, i + 19);
	}
	assert_int_equal(l.next, 26);
	reopen();
	assert_int_equal(l.n, 7);
	assert_int_equal(l.entry[6].uid, 25);
}

static void
what_is_new_but_has_a_uid_is_moved(void **state)
{
	(void)state;
	write_state("100", "20");
	message("new/1.a.h,I=2s.3");
	reopen();
	assert_int_equal(l.entry[0].uid, 3);
	assert_string_equal(l.entry[0].name, "1.a.h,I=2s.3:2,");
	assert_true(exists("cur", l.entry[0].name));
	assert_int_equal(l.next, 20);
}

static void
a_broken_file_means_a_new_validity(void **state)
{
	static const char	*const t[] = {
		"x", "merpati-uid 1\n", "merpati-uid 1\nvalidity 0\nnext 1\n"
		"modseq 0\n", "merpati-uid 1\nvalidity 5\nnext 0\nmodseq 0\n",
		"merpati-uid 1\nvalidity 5\nnext 4294967296\nmodseq 0\n",
		"merpati-uid 1\nnext 5\nvalidity 5\nmodseq 0\n",
		"merpati-uid 1\nvalidity 5\nnext 5\nmodseq", "\n\n\n\n",
	};
	size_t			 i;

	(void)state;
	/* Above what the names know: 3000000000. */
	message("cur/1.a.h,I=1dm45vg.3:2,");
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		tmpdir_write("M/uidvalidity", t[i], strlen(t[i]));
		reopen();
		assert_int_equal(l.origin, UIDLIST_RESET);
		assert_true(l.validity > 1763740000);
		assert_int_equal(l.entry[0].uid, 1);
		reopen();
		assert_int_equal(l.origin, UIDLIST_FOUND);
	}
	tmpdir_write("M/uidvalidity", "merpati-uid 2\nx\n", 16);
	uidlist_free(&l);
	assert_int_equal(uidlist_open(tmpdir_file("M"), &l), -1);
	assert_int_equal(errno, ENOTSUP);
}

static void
used_up_uids_begin_anew_under_a_new_validity(void **state)
{
	(void)state;
	write_state("100", "4294967295");
	message("cur/1.a.h,I=2s.4294967294:2,");
	reopen();
	assert_int_equal(l.entry[0].uid, 4294967294);
	message("new/2.b.h");
	reopen();
	assert_int_equal(l.origin, UIDLIST_RESET);
	assert_true(l.validity > 1763740000);
	assert_int_equal(l.entry[0].uid, 1);
	assert_int_equal(l.entry[1].uid, 2);
}

static void
dovecots_list_is_taken_over_once(void **state)
{
	static const char	 list[] =
	    "3 V1234567890 N50 G3085f01b7f11094c501100008c4a11c1\n"
	    "7 :1.a.h,S=5,W=6\n12 W9 S8 Puid :2.b.h\nrubbish\n"
	    "40 :9.gone.h\n";

	(void)state;
	message("cur/1.a.h,S=5,W=6:2,S");
	message("cur/2.b.h:2,");
	message("new/3.c.h");
	tmpdir_write("M/dovecot-uidlist", list, strlen(list));
	/* The first try finds the disk full half-way: nothing is settled. */
	rename_error = ENOSPC;
	rename_fails_from = 2;
	reopen();
	assert_int_equal(l.origin, UIDLIST_IMPORTED);
	assert_false(l.kept);
	assert_int_equal(l.validity, 1234567890);
	assert_int_equal(l.entry[0].uid, 7);
	assert_int_equal(l.entry[1].uid, 12);
	assert_true(l.entry[2].uid >= UINT32_C(0x80000000));
	assert_true(l.entry[2].in_new);

	rename_error = 0;
	reopen();
	assert_int_equal(l.origin, UIDLIST_IMPORTED);
	assert_true(l.kept);
	assert_string_equal(l.entry[0].name, "1.a.h,S=5,W=6,I=kf12oi.7:2,S");
	assert_string_equal(l.entry[1].name, "2.b.h,I=kf12oi.12:2,");
	assert_string_equal(l.entry[2].name, "3.c.h,I=kf12oi.50:2,");
	reopen();
	assert_int_equal(l.origin, UIDLIST_FOUND);
	assert_int_equal(l.next, 51);
}

static void
dovecots_keywords_become_the_accounts(void **state)
{
	static const char	 list[] = "3 V1234567890 N50 Gx\n"
	    "7 :1.a.h\n12 :2.b.h\n13 :4.d.h\n";
	static const char	 names[] =
	    "0 $Label1\n1 todo\nrubbish\n26 much\n3 OTHER\n 4\n0 twice";
	struct buf		 b;

	(void)state;
	message("cur/1.a.h:2,FSa");
	message("cur/2.b.h:2,bcd");
	message("new/3.c.h:2,b");	/* not in the list */
	message("cur/4.d.h:2,Sa");
	tmpdir_write("M/dovecot-uidlist", list, strlen(list));
	tmpdir_write("M/dovecot-keywords", names, strlen(names));
	tmpdir_write("M/keywords", "a $Junk\nb other\n", 16);
	/* Cut off half-way: what has its key is not changed twice. */
	rename_error = ENOSPC;
	rename_fails_from = 2;
	reopen();
	rename_error = 0;
	reopen();
	assert_true(l.kept);
	assert_string_equal(l.entry[0].name, "1.a.h,I=kf12oi.7:2,FSc");
	assert_string_equal(l.entry[1].name, "2.b.h,I=kf12oi.12:2,bd");
	assert_string_equal(l.entry[2].name, "4.d.h,I=kf12oi.13:2,Sc");
	assert_string_equal(l.entry[3].name, "3.c.h,I=kf12oi.50:2,d");
	buf_init(&b, 1000);
	tmpdir_read("M/keywords", &b);
	assert_string_equal(buf_cstr(&b),
	    "a $Junk\nb other\nc $Label1\nd todo\n");
	buf_free(&b);
	/* Only once. */
	reopen();
	assert_string_equal(l.entry[0].name, "1.a.h,I=kf12oi.7:2,FSc");
}

static void
dovecots_list_is_parsed_with_suspicion(void **state)
{
	static const struct { const char *text; int r; size_t n; uint32_t next; }
	t[] = {
		{ "3 V1 N2 Gx\n", 0, 0, 2 },
		{ "3 N2 V1\n1 :a\n", 0, 1, 2 },
		{ "3 V1 N2\n5 :a\n", 0, 1, 6 },
		{ "3 V1 N2\n1 :a\n1 :\n :b\n1\n1 x\n0 :c\n4294967295 :d\n"
		    "-1 :e\n1:f\n\n", 0, 1, 2 },
		{ "3 V1 N2\n1 :a", 0, 1, 2 },
		{ "", -1, 0, 0 },
		{ "\n", -1, 0, 0 },
		{ "1 1 2\n", -1, 0, 0 },
		{ "3 V1\n", -1, 0, 0 },
		{ "3 V0 N1\n", -1, 0, 0 },
		{ "3 V1 N0\n", -1, 0, 0 },
		{ "3 V4294967296 N1\n", -1, 0, 0 },
		{ "4 V1 N1\n", -1, 0, 0 },
	};
	struct dovecot_uidlist	 d;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(dovecot_uidlist_parse(slice_str(t[i].text),
		    &d), t[i].r);
		if (t[i].r == -1)
			continue;
		assert_int_equal(d.n, t[i].n);
		assert_int_equal(d.next, t[i].next);
		assert_int_equal(dovecot_uidlist_find(&d, SLICE_LIT("x")), 0);
		assert_int_equal(dovecot_uidlist_find(&d, SLICE_LIT("")), 0);
		if (d.n > 0)
			assert_true(dovecot_uidlist_find(&d,
			    SLICE_LIT("a")) > 0);
		dovecot_uidlist_free(&d);
	}
}

/* The list is there although nothing could be kept, and twice the same. */
static void
check_provisional(uint32_t validity, size_t kept)
{
	uint32_t	 uid[3];
	size_t		 i;

	reopen();
	assert_false(l.kept);
	assert_int_equal(l.validity, validity);
	assert_int_equal(l.n, 3);
	for (i = 0; i < 3; i++) {
		uid[i] = l.entry[i].uid;
		assert_int_equal(l.entry[i].kept, i < kept);
		assert_int_equal(uid[i] >= UINT32_C(0x80000000), i >= kept);
		assert_true(exists(l.entry[i].in_new ? "new" : "cur",
		    l.entry[i].name));
		if (i > 0)
			assert_true(uid[i] > uid[i - 1]);
	}
	reopen();
	for (i = 0; i < 3; i++)
		assert_int_equal(l.entry[i].uid, uid[i]);
}

static void
a_full_or_read_only_disk_still_shows_the_mail(void **state)
{
	static const int	 e[] = { EROFS, EACCES, ENOSPC, EDQUOT };
	size_t			 i;

	(void)state;
	message("new/1.a.h");
	message("new/2.b.h,I=2s.5");
	message("cur/3.c.h:2,S");
	for (i = 0; i < sizeof(e) / sizeof(e[0]); i++) {
		open_error = e[i];		/* no file can be made */
		check_provisional(1, 0);
	}
	open_error = 0;
	pwrite_error = ENOSPC;			/* made, but not written */
	check_provisional(1, 0);
	write_state("100", "20");
	check_provisional(100, 1);
	open_error = EROFS;			/* there, but not to be written */
	check_provisional(100, 1);
	open_error = pwrite_error = 0;
	rename_error = ENOSPC;
	check_provisional(100, 1);
	rename_error = 0;
	reopen();
	assert_true(l.kept);
	assert_int_equal(l.entry[0].uid, 5);
	assert_int_equal(l.n, 3);

	uidlist_free(&l);
	open_error = EMFILE;			/* that is our own trouble */
	assert_int_equal(uidlist_open(tmpdir_file("M"), &l), -1);
	assert_int_equal(errno, EMFILE);
}

static void
a_name_without_room_for_a_key_is_shown_too(void **state)
{
	char	 name[300] = "cur/1.a.";

	(void)state;
	memset(name + 8, 'x', 245);
	name[8 + 245] = '\0';
	message(name);
	reopen();
	assert_int_equal(l.n, 1);
	assert_false(l.kept);
	assert_true(l.entry[0].uid >= UINT32_C(0x80000000));
}

/* Many at once on one box: every message one UID, the same for all. */
static void
sessions_at_once_agree(void **state)
{
	char		 name[64];
	uint32_t	 next;
	pid_t		 pid[4];
	int		 i, status;

	(void)state;
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "new/%d.M%d.h", 1000 + i, i);
		message(name);
	}
	for (i = 0; i < 4; i++) {
		if ((pid[i] = fork()) == 0) {
			struct uidlist	 mine;
			size_t		 k;

			if (uidlist_open(tmpdir_file("M"), &mine) == -1 ||
			    mine.n != 300 || !mine.kept)
				_exit(1);
			for (k = 0; k < 300; k++)
				if (mine.entry[k].uid != k + 1)
					_exit(2);
			_exit(0);
		}
	}
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	reopen();
	next = l.next;
	assert_int_equal(next, 301);
}

/* What the file says after "key ". */
static unsigned long
in_file(const char *key)
{
	struct buf	 b;
	unsigned long	 n;
	char		*p;

	buf_init(&b, 1000);
	tmpdir_read("M/uidvalidity", &b);
	p = strstr(buf_cstr(&b), key);
	assert_non_null(p);
	n = strtoul(p + strlen(key), NULL, 10);
	buf_free(&b);
	return n;
}

/* As if the kernel had been started anew since. */
static void
another_boot(void)
{
	struct buf	 b;
	char		*p;

	buf_init(&b, 1000);
	tmpdir_read("M/uidvalidity", &b);
	p = strstr(b.ptr, "used ");
	assert_non_null(p);
	p[16] = p[16] == 'a' ? 'b' : 'a';
	tmpdir_write("M/uidvalidity", b.ptr, b.len);
	buf_free(&b);
}

static void
the_floor_rises_in_steps_and_a_boot_costs_the_rest(void **state)
{
	(void)state;
	message("new/1.a.h");
	message("new/2.b.h");
	reopen();
	assert_int_equal(in_file("next "), 1002);
	assert_int_equal(in_file("used "), 3);
	message("new/3.c.h");
	reopen();
	assert_int_equal(l.entry[2].uid, 3);
	assert_int_equal(in_file("next "), 1002);
	another_boot();
	message("new/4.d.h");
	reopen();
	assert_int_equal(l.n, 4);
	assert_int_equal(l.entry[2].uid, 3);
	assert_int_equal(l.entry[3].uid, 1002);
	assert_int_equal(in_file("next "), 2002);
	message("new/5.e.h");
	reopen();
	assert_int_equal(l.entry[4].uid, 1003);
}

static void
a_key_beyond_what_the_file_says_was_used_is_believed(void **state)
{
	char	 path[304] = "cur/";

	(void)state;
	message("new/1.a.h");
	reopen();
	assert_int_equal(maildir_name_key("9.x.h",
	    (uint32_t)in_file("validity "), 500, path + 4), 0);
	message(path);
	message("new/2.b.h");
	reopen();
	assert_int_equal(l.n, 3);
	assert_int_equal(l.entry[1].uid, 500);
	assert_int_equal(l.entry[2].uid, 501);
}

static void
no_two_mailboxes_have_one_validity(void **state)
{
	uint32_t	 v, first;
	int		 root, a, b;

	(void)state;
	reopen();
	first = l.validity;
	root = open(tmpdir_file("M"), O_RDONLY | O_DIRECTORY);
	assert_int_equal(maildir_make(tmpdir_file("M/.A")), 0);
	assert_int_equal(maildir_make(tmpdir_file("M/.B")), 0);
	a = openat(root, ".A", O_RDONLY | O_DIRECTORY);
	b = openat(root, ".B", O_RDONLY | O_DIRECTORY);
	assert_int_equal(uidstate_create(root, a), 0);
	assert_int_equal(uidstate_create(root, a), -1);
	assert_int_equal(errno, EEXIST);
	uidlist_free(&l);
	assert_int_equal(uidlist_open_below(root, tmpdir_file("M/.A"), &l), 0);
	assert_int_equal(l.origin, UIDLIST_FOUND);
	v = l.validity;
	assert_true(v > first);

	/* A counter that is gone or rubbish is made from what there is. */
	tmpdir_write("M/validity", "rubbish\n", 8);
	assert_int_equal(uidstate_create(root, b), 0);
	uidlist_free(&l);
	assert_int_equal(uidlist_open_below(root, tmpdir_file("M/.B"), &l), 0);
	assert_true(l.validity > v);
	assert_int_equal(uidstate_had_validity(root, 3000000000), 0);
	assert_int_equal(uidstate_had_validity(root, 5), 0);
	assert_int_equal(uidstate_new_validity(root, 7, &v), 0);
	assert_int_equal(v, 3000000001);
	assert_int_equal(uidstate_new_validity(root, 3100000000, &v), 0);
	assert_int_equal(v, 3100000001);
	assert_int_equal(uidstate_new_validity(root, UINT32_MAX, &v), 0);
	assert_int_equal(v, 3100000002);
	close(a);
	close(b);
	close(root);
}

static void
a_copied_mailbox_gets_a_validity_of_its_own(void **state)
{
	struct buf	 b;
	uint32_t	 v;
	int		 root;

	(void)state;
	message("new/1.a.h");
	reopen();
	v = l.validity;
	root = open(tmpdir_file("M"), O_RDONLY | O_DIRECTORY);
	assert_int_equal(maildir_make(tmpdir_file("M/.C")), 0);
	buf_init(&b, 1000);
	tmpdir_read("M/uidvalidity", &b);
	tmpdir_write("M/.C/uidvalidity", b.ptr, b.len);
	uidlist_free(&l);
	assert_int_equal(uidlist_open_below(root, tmpdir_file("M/.C"), &l), 0);
	assert_int_equal(l.origin, UIDLIST_RESET);
	assert_true(l.validity > v);
	v = l.validity;
	uidlist_free(&l);
	assert_int_equal(uidlist_open_below(root, tmpdir_file("M/.C"), &l), 0);
	assert_int_equal(l.origin, UIDLIST_FOUND);
	assert_int_equal(l.validity, v);
	reopen();
	assert_int_equal(l.origin, UIDLIST_FOUND);
	assert_int_not_equal(l.validity, v);

	/* One that was moved as a whole, or restored, keeps it. */
	v = l.validity;
	uidlist_free(&l);
	assert_int_equal(rename(tmpdir_file("M"), tmpdir_file("old")), 0);
	assert_int_equal(maildir_make(tmpdir_file("M")), 0);
	tmpdir_write("M/uidvalidity", b.ptr, b.len);
	reopen();
	assert_int_equal(l.origin, UIDLIST_FOUND);
	assert_int_equal(l.validity, v);
	buf_free(&b);
	close(root);
}

static void
the_lock_needs_its_file(void **state)
{
	int	 fd;

	(void)state;
	assert_int_equal(uidlist_lock(tmpdir_file("M")), -1);
	assert_int_equal(errno, ENOENT);
	reopen();
	fd = uidlist_lock(tmpdir_file("M"));
	assert_int_not_equal(fd, -1);
	close(fd);
	assert_int_equal(uidlist_lock(tmpdir_file("none")), -1);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(an_empty_box_gets_its_file_and_a_missing_one_is_made),
		T(uids_go_by_age_and_stay),
		T(a_uid_of_a_removed_message_is_not_given_again),
		T(only_true_claims_count),
		T(what_is_new_but_has_a_uid_is_moved),
		T(a_broken_file_means_a_new_validity),
		T(used_up_uids_begin_anew_under_a_new_validity),
		T(dovecots_list_is_taken_over_once),
		T(dovecots_keywords_become_the_accounts),
		T(dovecots_list_is_parsed_with_suspicion),
		T(a_full_or_read_only_disk_still_shows_the_mail),
		T(a_name_without_room_for_a_key_is_shown_too),
		T(sessions_at_once_agree),
		T(the_floor_rises_in_steps_and_a_boot_costs_the_rest),
		T(a_key_beyond_what_the_file_says_was_used_is_believed),
		T(no_two_mailboxes_have_one_validity),
		T(a_copied_mailbox_gets_a_validity_of_its_own),
		T(the_lock_needs_its_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
