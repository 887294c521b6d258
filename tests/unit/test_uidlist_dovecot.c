/* UIDs and keywords that Dovecot gave. */
#include "lib/store/dovecot_uidlist.h"
#include "tests/unit/uidlist_box.h"

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
	rename_ok = 1;
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
	rename_ok = 1;
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

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(dovecots_list_is_taken_over_once),
		T(dovecots_keywords_become_the_accounts),
		T(dovecots_list_is_parsed_with_suspicion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
