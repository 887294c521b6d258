/* Mailboxes of an account: made, listed, renamed, deleted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/io.h"
#include "lib/store/folder.h"
#include "lib/store/tree.h"
#include "lib/store/uidstate.h"

static char		 home[64];
static struct account	 a;

static struct slice
sl(const char *s)
{
	return slice_str(s);
}

static int
begin(void **state)
{
	(void)state;
	strcpy(home, "/tmp/merpati-tree.XXXXXX");
	if (mkdtemp(home) == NULL)
		return -1;
	return account_open(&a, home, "host.example");
}

static int
end(void **state)
{
	char	 cmd[100];

	(void)state;
	account_close(&a);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", home);
	return system(cmd);
}

static void
put_file(const char *name, const char *text)
{
	char	 path[300];
	FILE	*f;

	snprintf(path, sizeof(path), "%s/Maildir/%s", home, name);
	assert_non_null(f = fopen(path, "w"));
	fputs(text, f);
	fclose(f);
}

/* "INBOX(h) a(nh) a/b()": h has children, n no mailbox, s subscribed, uses. */
static const char *
listing(void)
{
	static char	 out[4096];
	struct tree	 t;
	unsigned int	 use;
	size_t		 i;

	out[0] = '\0';
	assert_int_equal(tree_read(&a, &t), 0);
	for (i = 0; i < t.n; i++) {
		snprintf(out + strlen(out), sizeof(out) - strlen(out),
		    "%s%s(%s%s%s%s", i == 0 ? "" : " ", t.item[i].name,
		    t.item[i].exists ? "" : "n",
		    t.item[i].children ? "h" : "",
		    t.item[i].subscribed ? "s" : "",
		    t.item[i].subscribed_below ? "b" : "");
		for (use = 1; use <= TREE_IMPORTANT; use <<= 1)
			if (t.item[i].uses & use)
				strcat(out, tree_use_name(use));
		strcat(out, ")");
		assert_ptr_equal(tree_find(&t, sl(t.item[i].name)),
		    &t.item[i]);
	}
	assert_null(tree_find(&t, sl("no such")));
	tree_free(&t);
	return out;
}

static void
mailboxes_are_made_and_listed(void **state)
{
	(void)state;
	assert_string_equal(listing(), "INBOX()");
	assert_int_equal(tree_create(&a, sl("b"), 0), 0);
	assert_int_equal(tree_create(&a, sl("b/c/d"), 0), 0);
	assert_int_equal(tree_create(&a, sl("b-c"), 0), 0);
	assert_int_equal(tree_create(&a, sl("Entw\303\274rfe"), 0), 0);
	assert_int_equal(tree_create(&a, sl("INBOX/x"), 0), 0);
	assert_string_equal(listing(), "INBOX(h) INBOX/x() "
	    "Entw\303\274rfe() b(h) b/c(nh) b/c/d() b-c()");
	assert_int_equal(tree_create(&a, sl("b/c"), 0), 0);
	errno = 0;
	assert_int_equal(tree_create(&a, sl("b"), 0), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(tree_create(&a, sl("INBOX"), 0), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(tree_create(&a, sl("x.y"), 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(tree_create(&a, sl("../x"), 0), -1);
}

static void
what_is_no_mailbox_is_not_listed(void **state)
{
	char	 path[200];

	(void)state;
	snprintf(path, sizeof(path), "%s/Maildir/.git", home);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/Maildir/.link", home);
	assert_int_equal(symlink("/tmp", path), 0);
	put_file(".file", "");
	assert_string_equal(listing(), "INBOX()");
	assert_int_equal(tree_delete(&a, sl("link")), -1);
	assert_int_equal(errno, ENOENT);
}

static uint32_t
validity(const char *dir)
{
	struct uidstate	 st;
	uint32_t	 v;
	int		 fd;

	fd = openat(a.maildirfd, dir, O_RDONLY | O_DIRECTORY);
	assert_true(fd != -1);
	assert_int_equal(uidstate_open(fd, &st), 0);
	assert_int_equal(st.found, UIDSTATE_OK);
	v = st.validity;
	uidstate_close(&st);
	close(fd);
	return v;
}

static void
a_name_used_again_has_another_validity(void **state)
{
	uint32_t	 first, second;

	(void)state;
	assert_int_equal(tree_create(&a, sl("a"), 0), 0);
	first = validity(".a");
	assert_int_equal(tree_create(&a, sl("b"), 0), 0);
	assert_true(validity(".b") > first);
	assert_int_equal(tree_delete(&a, sl("a")), 0);
	assert_int_equal(tree_create(&a, sl("a"), 0), 0);
	second = validity(".a");
	assert_true(second > validity(".b"));
	/* A new name takes it along. */
	assert_int_equal(tree_rename(&a, sl("a"), sl("c")), 0);
	assert_int_equal(validity(".c"), second);
}

static void
deleting_leaves_children(void **state)
{
	(void)state;
	tree_create(&a, sl("a"), 0);
	tree_create(&a, sl("a/b"), 0);
	put_file(".a/cur/1.M1.h:2,S", "x\n");
	assert_int_equal(tree_delete(&a, sl("a")), 0);
	assert_string_equal(listing(), "INBOX() a(nh) a/b()");
	assert_int_equal(tree_delete(&a, sl("a")), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(tree_delete(&a, sl("INBOX")), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(tree_delete(&a, sl("a/b")), 0);
	assert_string_equal(listing(), "INBOX()");
}

static void
leavings_of_a_killed_delete_go(void **state)
{
	char	 path[200];

	(void)state;
	snprintf(path, sizeof(path), "%s/Maildir/..going-1-2", home);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/Maildir/..coming", home);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_string_equal(listing(), "INBOX()");
	assert_int_equal(tree_create(&a, sl("a"), 0), 0);
	assert_int_equal(tree_delete(&a, sl("a")), 0);
	assert_int_equal(faccessat(a.maildirfd, "..going-1-2", F_OK, 0), -1);
	assert_int_equal(faccessat(a.maildirfd, "..coming", F_OK, 0), -1);
}

static void
renaming_takes_children_along(void **state)
{
	(void)state;
	tree_create(&a, sl("a"), TREE_SENT);
	tree_create(&a, sl("a/b"), 0);
	tree_create(&a, sl("ab"), 0);
	assert_int_equal(tree_rename(&a, sl("a"), sl("x/y")), 0);
	assert_string_equal(listing(),
	    "INBOX() ab() x(nh) x/y(hSent) x/y/b()");
	assert_int_equal(tree_rename(&a, sl("x"), sl("z")), 0);
	assert_string_equal(listing(),
	    "INBOX() ab() z(nh) z/y(hSent) z/y/b()");
	assert_int_equal(tree_rename(&a, sl("z/y"), sl("z/y/c")), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(tree_rename(&a, sl("ab"), sl("z/y")), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(tree_rename(&a, sl("z"), sl("INBOX")), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(tree_rename(&a, sl("none"), sl("n")), -1);
	assert_int_equal(errno, ENOENT);
	/* A child that is in the way stops all of it. */
	tree_create(&a, sl("q/b"), 0);
	assert_int_equal(tree_rename(&a, sl("z/y"), sl("q")), -1);
	assert_int_equal(errno, EEXIST);
	assert_string_equal(listing(),
	    "INBOX() ab() q(nh) q/b() z(nh) z/y(hSent) z/y/b()");
}

static void
inbox_is_emptied_by_renaming(void **state)
{
	struct folder_state	 st;
	struct folder		*f;

	(void)state;
	tree_create(&a, sl("INBOX/x"), 0);
	put_file("new/1.M1.h", "Subject: 1\n\n1\n");
	put_file("cur/2.M1.h:2,S", "Subject: 2\n\n2\n");
	assert_int_equal(tree_rename(&a, sl("INBOX"), sl("old")), 0);
	assert_string_equal(listing(), "INBOX(h) INBOX/x() old()");
	f = folder_open(&a, ".old");
	assert_non_null(f);
	assert_int_equal(folder_sync(f, FOLDER_FULL, &st), 0);
	assert_int_equal(st.count, 2);
	folder_close(f);
	f = folder_open(&a, ".");
	assert_int_equal(folder_sync(f, FOLDER_FULL, &st), 0);
	assert_int_equal(st.count, 0);
	folder_close(f);
}

static void
subscriptions_are_kept(void **state)
{
	char		 text[200] = "";
	struct buf	 b;

	(void)state;
	tree_create(&a, sl("a"), 0);
	assert_int_equal(tree_subscribe(&a, sl("a"), true), 0);
	assert_int_equal(tree_subscribe(&a, sl("a"), true), 0);
	assert_int_equal(tree_subscribe(&a, sl("g\303\274/b"), true), 0);
	assert_int_equal(tree_subscribe(&a, sl("INBOX"), true), 0);
	assert_string_equal(listing(),
	    "INBOX(s) a(s) g\303\274(nb) g\303\274/b(ns)");
	buf_init(&b, sizeof(text));
	assert_int_equal(io_read_file(a.maildirfd, "subscriptions", &b), 0);
	assert_string_equal(buf_cstr(&b),
	    "V\t2\n\na\ng&APw-\tb\nINBOX\n");
	buf_free(&b);
	assert_int_equal(tree_subscribe(&a, sl("a"), false), 0);
	assert_int_equal(tree_subscribe(&a, sl("none"), false), 0);
	/* It outlives the mailbox. */
	tree_create(&a, sl("g\303\274/b"), 0);
	tree_delete(&a, sl("g\303\274/b"));
	assert_string_equal(listing(),
	    "INBOX(s) a() g\303\274(nb) g\303\274/b(ns)");
}

static void
dovecots_older_subscriptions_are_read(void **state)
{
	(void)state;
	put_file("subscriptions", "Sent\nSent.2024\nINBOX\n\n..\n&\nlast");
	assert_string_equal(listing(),
	    "INBOX(s) Sent(nsb) Sent/2024(ns) last(ns)");
}

static const struct tree_default	 defaults[] = {
	{ "Drafts", TREE_DRAFTS }, { "Sent", TREE_SENT },
};

static void
a_new_account_gets_its_mailboxes_once(void **state)
{
	(void)state;
	assert_int_equal(tree_make_defaults(&a, defaults, 2), 0);
	assert_string_equal(listing(), "INBOX() Drafts(sDrafts) Sent(sSent)");
	assert_int_equal(tree_delete(&a, sl("Sent")), 0);
	assert_int_equal(tree_make_defaults(&a, defaults, 2), 0);
	assert_string_equal(listing(),
	    "INBOX() Drafts(sDrafts) Sent(ns)");
	errno = 0;
	assert_int_equal(tree_create(&a, sl("D"), TREE_DRAFTS), -1);
	assert_int_equal(errno, ENOTUNIQ);
	assert_int_equal(tree_create(&a, sl("S"), TREE_SENT), 0);
}

static void
an_older_account_keeps_its_mailboxes(void **state)
{
	(void)state;
	tree_create(&a, sl("Sent"), 0);
	tree_create(&a, sl("Other"), 0);
	assert_int_equal(tree_make_defaults(&a, defaults, 2), 0);
	assert_string_equal(listing(), "INBOX() Other() Sent(Sent)");
}

static void
metadata_is_kept(void **state)
{
	struct buf	 b;
	char		*big;

	(void)state;
	buf_init(&b, 100000);
	tree_create(&a, sl("a"), 0);
	assert_int_equal(tree_metadata_get(&a, sl("a"),
	    sl("/private/comment"), &b), 0);
	assert_int_equal(tree_metadata_set(&a, sl("a"),
	    sl("/private/comment"), sl("a b\r\n+c\303\274")), 0);
	assert_int_equal(tree_metadata_set(&a, sl(""),
	    sl("/shared/admin"), sl("x")), 0);
	assert_int_equal(tree_metadata_get(&a, sl("a"),
	    sl("/private/comment"), &b), 1);
	assert_string_equal(buf_cstr(&b), "a b\r\n+c\303\274");
	assert_int_equal(tree_metadata_set(&a, sl("a"),
	    sl("/private/comment"), (struct slice){ NULL, 0 }), 0);
	assert_int_equal(tree_metadata_get(&a, sl("a"),
	    sl("/private/comment"), &b), 0);
	errno = 0;
	assert_int_equal(tree_metadata_set(&a, sl("none"),
	    sl("/private/comment"), sl("x")), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(tree_metadata_set(&a, sl("a"), sl("/a b"),
	    sl("x")), -1);
	assert_int_equal(errno, EINVAL);
	assert_non_null(big = malloc(70000));
	memset(big, 'x', 70000);
	assert_int_equal(tree_metadata_set(&a, sl("a"), sl("/private/c"),
	    (struct slice){ big, 70000 }), -1);
	assert_int_equal(errno, ENOSPC);
	free(big);
	buf_free(&b);
}

static void
a_name_is_looked_up_composed(void **state)
{
	struct buf	 b;

	(void)state;
	buf_init(&b, 100);
	buf_addstr(&b, "e\314\201");
	assert_int_equal(tree_known(&a, &b), 0);
	assert_string_equal(buf_cstr(&b), "\303\251");
	/* But for one that is there as it was said. */
	tree_create(&a, sl("e\314\201"), 0);
	buf_clear(&b);
	buf_addstr(&b, "e\314\201");
	assert_int_equal(tree_known(&a, &b), 0);
	assert_string_equal(buf_cstr(&b), "e\314\201");
	buf_free(&b);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		TEST(mailboxes_are_made_and_listed),
		TEST(what_is_no_mailbox_is_not_listed),
		TEST(a_name_used_again_has_another_validity),
		TEST(deleting_leaves_children),
		TEST(leavings_of_a_killed_delete_go),
		TEST(renaming_takes_children_along),
		TEST(inbox_is_emptied_by_renaming),
		TEST(subscriptions_are_kept),
		TEST(dovecots_older_subscriptions_are_read),
		TEST(a_new_account_gets_its_mailboxes_once),
		TEST(an_older_account_keeps_its_mailboxes),
		TEST(metadata_is_kept),
		TEST(a_name_is_looked_up_composed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
