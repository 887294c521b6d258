/* Flags and expunges, with others at work besides. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/change_box.h"

static void
flags_are_set_in_names_and_index(void **state)
{
	static const struct {
		enum folder_op	 op;
		uint32_t	 flags, keywords;
		const char	*is;
	} t[] = {
		{ FOLDER_ADD, LETTER_SEEN, 0, "S" },
		{ FOLDER_ADD, LETTER_FLAGGED | LETTER_DELETED, 5, "FSTac" },
		{ FOLDER_REMOVE, LETTER_SEEN, 4, "FTa" },
		{ FOLDER_REMOVE, LETTER_SEEN, 4, "FTa" },
		{ FOLDER_SET, LETTER_DRAFT | LETTER_PASSED | LETTER_ANSWERED,
		    1u << 25, "DPRz" },
		{ FOLDER_SET, 0, 0, "" },
	};
	struct letter	 l;
	uint64_t	 was;
	size_t		 i;

	(void)state;
	box_fill(3);
	box_sync();
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		was = box_letter(box, 2).modseq;
		assert_int_equal(store("2", t[i].op, t[i].flags,
		    t[i].keywords, UINT64_MAX), 0);
		assert_string_equal(flags_of(".", 2), t[i].is);
		l = box_letter(box, 2);
		assert_int_equal(res.changed.n, i == 3 ? 0 : 1);
		if (i == 3) {
			assert_true(l.modseq == was);
			assert_true(res.before == res.after);
			continue;
		}
		assert_true(l.modseq > was);
		assert_true(l.modseq == res.after && res.before < res.after);
	}
	assert_string_equal(flags_of(".", 1), "");
	/* Nobody has to read the directory after that. */
	was = res.after;
	box_sync();
	assert_true(box_state.modseq == was);
	/* An unknown letter of somebody's stays where it is. */
	box_flag(1, "SX");
	box_sync();
	assert_int_equal(store("1:3", FOLDER_ADD, LETTER_FLAGGED, 1,
	    UINT64_MAX), 0);
	assert_string_equal(flags_of(".", 1), "FSXa");
	assert_string_equal(box_set_text(&res.changed), "1:3");
}

static void
unchanged_since_spares_what_changed(void **state)
{
	uint64_t	 was;

	(void)state;
	box_fill(4);
	box_sync();
	was = box_state.modseq;
	assert_int_equal(store("2", FOLDER_ADD, LETTER_SEEN, 0, was), 0);
	assert_int_equal(store("1:4,9", FOLDER_ADD, LETTER_FLAGGED, 0, was),
	    0);
	assert_string_equal(box_set_text(&res.changed), "1,3:4");
	assert_string_equal(box_set_text(&res.failed), "2");
	assert_string_equal(box_set_text(&res.gone), "9");
	assert_string_equal(flags_of(".", 2), "S");
	assert_int_equal(store("3", FOLDER_ADD, LETTER_SEEN, 0, 0), 0);
	assert_string_equal(box_set_text(&res.failed), "3");
}

static void
what_others_did_meanwhile_is_found(void **state)
{
	(void)state;
	box_fill(5);
	box_sync();
	/* So that the directory's time does not tell. */
	assert_int_equal(store("1", FOLDER_ADD, LETTER_SEEN, 0, UINT64_MAX),
	    0);
	box_flag(2, "R");
	box_rm(3);
	assert_int_equal(store("1:5", FOLDER_ADD, LETTER_FLAGGED, 0,
	    UINT64_MAX), 0);
	assert_string_equal(flags_of(".", 2), "FR");
	assert_string_equal(box_set_text(&res.changed), "1:2,4:5");
	assert_string_equal(box_set_text(&res.gone), "3");
	box_sync();
	assert_int_equal(box_state.count, 4);
	assert_int_equal(box_letter(box, 2).flags,
	    LETTER_ANSWERED | LETTER_FLAGGED);
}

static void
a_store_that_cannot_go_on_says_what_it_did(void **state)
{
	(void)state;
	box_fill(5);
	box_sync();
	rename_error = EROFS;
	rename_ok = 2;
	assert_int_equal(store("1:5", FOLDER_ADD, LETTER_SEEN, 0, UINT64_MAX),
	    -1);
	assert_int_equal(errno, EROFS);
	assert_string_equal(box_set_text(&res.changed), "1:2");
	rename_error = 0;
	box_sync();
	assert_int_equal(box_state.unseen, 3);
	assert_string_equal(flags_of(".", 2), "S");
}

static void
expunge_removes_what_is_marked(void **state)
{
	struct number_set	 gone = { NULL, 0, 0 };
	uint64_t		 was;

	(void)state;
	box_fill(6);
	box_sync();
	assert_int_equal(expunge(NULL, false), 0);
	assert_int_equal(res.gone.n, 0);
	assert_true(res.before == res.after);
	assert_int_equal(store("2:4", FOLDER_ADD, LETTER_DELETED, 0,
	    UINT64_MAX), 0);
	was = res.after;
	box_flag(3, "");		/* somebody takes it back */
	assert_int_equal(expunge(NULL, false), 0);
	assert_string_equal(box_set_text(&res.gone), "2,4");
	assert_string_equal(box_uids(box), "1,3,5:6");
	assert_string_equal(box_file(".", 2), "");
	assert_int_equal(folder_vanished(box, was, &gone), 1);
	assert_string_equal(box_set_text(&gone), "2,4");
	number_set_free(&gone);

	assert_int_equal(expunge("1,5", false), 0);
	assert_int_equal(res.gone.n, 0);
	assert_int_equal(expunge("1,5,77", true), 0);
	assert_string_equal(box_set_text(&res.gone), "1,5");
	box_sync();
	assert_int_equal(box_state.count, 2);
	assert_int_equal(box_state.next, 7);
	box_rm(3);
	assert_int_equal(expunge("3,6", true), 0);
	assert_string_equal(box_set_text(&res.gone), "6");
	box_sync();
	assert_int_equal(box_state.count, 0);
}

static void
quota_follows(void **state)
{
	static const char	*const t[] = { "A: 1\r\n\r\n" };
	uint64_t		 octets, count;
	uint32_t		 first;

	(void)state;
	box_account.quota_octets = 100;
	box_fill(3);
	box_sync();
	assert_int_equal(account_usage(&box_account, &octets, &count), 0);
	assert_int_equal(octets, 27);
	assert_int_equal(copy(box, "1:3", other, false), 0);
	assert_int_equal(append(box, t, 1, 0, &first), 0);
	assert_int_equal(account_usage(&box_account, &octets, &count), 0);
	assert_int_equal(octets, 60);
	assert_int_equal(count, 7);
	assert_int_equal(copy(box, "1:3", other, true), 0);
	assert_int_equal(expunge("4", true), 0);
	assert_int_equal(account_usage(&box_account, &octets, &count), 0);
	assert_int_equal(octets, 54);
	assert_int_equal(copy(other, "1:6", box, false), -1);
	assert_int_equal(errno, EDQUOT);
	assert_string_equal(box_uids(box), "");
}

static void
the_index_may_go_before_any_change(void **state)
{
	static const char	*const t[] = { "A: 1\r\n\r\n" };
	uint32_t		 first;

	(void)state;
	box_fill(6);
	box_sync();
	box_rm_index();
	assert_int_equal(store("1:3", FOLDER_ADD, LETTER_DELETED, 0,
	    UINT64_MAX), 0);
	assert_string_equal(box_set_text(&res.changed), "1:3");
	box_rm_index();
	assert_int_equal(copy(box, "2:3", other, false), 0);
	box_rm_index();
	assert_int_equal(append(box, t, 1, 0, &first), 0);
	assert_int_equal(first, 7);
	box_rm_index();
	assert_int_equal(expunge(NULL, false), 0);
	assert_string_equal(box_set_text(&res.gone), "1:3");
	box_rm_index();
	assert_int_equal(copy(box, "4:5", other, true), 0);
	box_rm_index();
	assert_string_equal(box_uids(other), "1:4");
	box_sync();
	assert_string_equal(box_uids(box), "6:7");
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		T(flags_are_set_in_names_and_index),
		T(unchanged_since_spares_what_changed),
		T(what_others_did_meanwhile_is_found),
		T(a_store_that_cannot_go_on_says_what_it_did),
		T(expunge_removes_what_is_marked),
		T(quota_follows),
		T(the_index_may_go_before_any_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
