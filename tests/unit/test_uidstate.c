/* The floor of UIDs, and uidvalidities that nobody has twice. */
#include "tests/unit/uidlist_box.h"

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
	assert_int_equal(uidlist_open_below(root, a, &l), 0);
	assert_int_equal(l.origin, UIDLIST_FOUND);
	v = l.validity;
	assert_true(v > first);

	/* A counter that is gone or rubbish is made from what there is. */
	tmpdir_write("M/validity", "rubbish\n", 8);
	assert_int_equal(uidstate_create(root, b), 0);
	uidlist_free(&l);
	assert_int_equal(uidlist_open_below(root, b, &l), 0);
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
	int		 root, c;

	(void)state;
	message("new/1.a.h");
	reopen();
	v = l.validity;
	root = open(tmpdir_file("M"), O_RDONLY | O_DIRECTORY);
	assert_int_equal(maildir_make(tmpdir_file("M/.C")), 0);
	c = openat(root, ".C", O_RDONLY | O_DIRECTORY);
	buf_init(&b, 1000);
	tmpdir_read("M/uidvalidity", &b);
	tmpdir_write("M/.C/uidvalidity", b.ptr, b.len);
	uidlist_free(&l);
	assert_int_equal(uidlist_open_below(root, c, &l), 0);
	assert_int_equal(l.origin, UIDLIST_RESET);
	assert_true(l.validity > v);
	v = l.validity;
	uidlist_free(&l);
	assert_int_equal(uidlist_open_below(root, c, &l), 0);
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
	close(c);
	close(root);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(the_floor_rises_in_steps_and_a_boot_costs_the_rest),
		T(a_key_beyond_what_the_file_says_was_used_is_believed),
		T(no_two_mailboxes_have_one_validity),
		T(a_copied_mailbox_gets_a_validity_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
