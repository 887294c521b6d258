/* A Maildir of a test's own and the list of its messages. */
#ifndef TESTS_UIDLIST_BOX_H
#define TESTS_UIDLIST_BOX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/store/maildir.h"
#include "lib/store/uidlist.h"
#include "lib/store/uidstate.h"
#include "tests/unit/fail_files.h"
#include "tests/unit/tmpdir.h"

static struct uidlist	 l;

static inline int
setup(void **state)
{
	fail_nothing();
	memset(&l, 0, sizeof(l));
	return tmpdir_setup(state) == -1 ? -1 :
	    maildir_make(tmpdir_file("M"));
}

static inline int
teardown(void **state)
{
	uidlist_free(&l);
	return tmpdir_teardown(state);
}

static inline void
message(const char *name)
{
	char	 path[400];

	snprintf(path, sizeof(path), "M/%s", name);
	tmpdir_write(path, "x\n", 2);
}

static inline void
reopen(void)
{
	uidlist_free(&l);
	assert_int_equal(uidlist_open(tmpdir_file("M"), &l), 0);
}

static inline bool
exists(const char *sub, const char *name)
{
	char	 path[400];

	snprintf(path, sizeof(path), "M/%s/%s", sub, name);
	return access(tmpdir_file(path), F_OK) == 0;
}

static inline void
write_state(const char *validity, const char *next)
{
	char	 text[200];

	snprintf(text, sizeof(text), "merpati-uid 1\nvalidity %s\nnext %s\n"
	    "modseq 7\n", validity, next);
	tmpdir_write("M/uidvalidity", text, strlen(text));
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
