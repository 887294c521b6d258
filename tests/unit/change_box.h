/* Two mailboxes, and changes of them, of a test's own. */
#ifndef TESTS_CHANGE_BOX_H
#define TESTS_CHANGE_BOX_H

#include "tests/unit/fail_files.h"
#include "tests/unit/folder_box.h"

static struct folder		*other;
static struct folder_result	 res;
static struct folder_copied	 cop;

static inline int
setup(void **state)
{
	fail_nothing();
	if (box_setup(state) == -1 ||
	    maildir_make(tmpdir_file("H/Maildir/.O")) == -1 ||
	    (other = folder_open(&box_account, ".O")) == NULL)
		return -1;
	return 0;
}

static inline int
teardown(void **state)
{
	folder_result_free(&res);
	folder_copied_free(&cop);
	folder_close(other);
	return box_teardown(state);
}

static inline int
store(const char *uids, enum folder_op op, uint32_t flags, uint32_t keywords,
    uint64_t since)
{
	struct folder_change	 c = { op, flags, keywords, since };
	struct number_set	 s = box_parse(uids);
	int			 r;

	folder_result_free(&res);
	r = folder_store(box, &s, &c, &res);
	number_set_free(&s);
	return r;
}

static inline int
expunge(const char *uids, bool all)
{
	struct number_set	 s = { NULL, 0, 0 };
	int			 r;

	if (uids != NULL)
		s = box_parse(uids);
	folder_result_free(&res);
	r = folder_expunge(box, uids == NULL ? NULL : &s, all, &res);
	number_set_free(&s);
	return r;
}

static inline int
copy(struct folder *from, const char *uids, struct folder *to, bool move)
{
	struct number_set	 s = box_parse(uids);
	int			 r;

	folder_copied_free(&cop);
	r = folder_copy(from, &s, to, move, &cop);
	number_set_free(&s);
	return r;
}

static inline const char *
flags_of(const char *dir, uint32_t uid)
{
	const char	*p = strstr(box_file(dir, uid), ":2,");

	return p == NULL ? "?" : p + 3;
}

static inline int
append(struct folder *f, const char *const *text, size_t n, int64_t date,
    uint32_t *first)
{
	struct folder_append	*a = folder_append_new(f);
	const char		*p;
	uint32_t		 validity;
	size_t			 i;

	for (i = 0; i < n; i++) {
		if (folder_append_begin(a, LETTER_SEEN, 2, date) == -1)
			abort();
		/* One octet at a time: a CRLF may be cut anywhere. */
		for (p = text[i]; *p != '\0'; p++)
			if (folder_append_data(a, p, 1) == -1)
				abort();
		if (folder_append_end(a) == -1) {
			folder_append_abort(a);
			return -1;
		}
	}
	return folder_append_commit(a, &validity, first);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
