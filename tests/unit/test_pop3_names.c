/* Names that a POP3 session gives to messages: sizes, the flag Seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pop3-session/size.h"
#include "pop3-session/update.h"

static void
sizes_are_written_in_place_of_others(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "1.M2.h", "1.M2.h,S=5,W=7" },
		{ "1.M2.h:2,", "1.M2.h,S=5,W=7:2," },
		{ "1.M2.h:2,RS", "1.M2.h,S=5,W=7:2,RS" },
		{ "1.M2.h,S=5:2,S", "1.M2.h,S=5,W=7:2,S" },
		{ "1.M2.h,S=5,I=abc.7:2,", "1.M2.h,S=5,W=7,I=abc.7:2," },
		{ "1.M2.h,I=abc.7", "1.M2.h,S=5,W=7,I=abc.7" },
		{ "1.M2.h,I=abc.7,S=5", "1.M2.h,S=5,W=7,I=abc.7" },
		{ "1.M2.h,S=5,W=7:2,", NULL },
		{ "1.M2.h,W=7:2,", "1.M2.h,S=5,W=7:2," },
		{ "1.M2.h,S=5,W=9:2,S", "1.M2.h,S=5,W=7:2,S" },
		{ "1.M2.h,X=y,S=9,I=abc.7,W=7,S=5:2,a",
		    "1.M2.h,S=5,W=7,X=y,I=abc.7:2,a" },
		{ "1.M2.h,S=x:1,S=9", "1.M2.h,S=5,W=7:1,S=9" },
		{ ".hidden", NULL },
	};
	char	 long_name[252];
	char	*name;
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		name = size_name(t[i].in, 5, 7);
		if (t[i].out == NULL)
			assert_null(name);
		else
			assert_string_equal(name, t[i].out);
		free(name);
	}
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_null(size_name(long_name, 5, 7));
}

static void
seen_is_set_once_and_in_order(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "1.M2.h", "1.M2.h:2,S" },
		{ "1.M2.h,S=5,W=7,I=abc.7", "1.M2.h,S=5,W=7,I=abc.7:2,S" },
		{ "1.M2.h:2,", "1.M2.h:2,S" },
		{ "1.M2.h:2,F", "1.M2.h:2,FS" },
		{ "1.M2.h:2,DFRT", "1.M2.h:2,DFRST" },
		{ "1.M2.h:2,Tab", "1.M2.h:2,STab" },
		{ "1.M2.h:2,a", "1.M2.h:2,Sa" },
		{ "1.M2.h:2,S", NULL },
		{ "1.M2.h:2,RSa", NULL },
		{ "1.M2.h:1,x", NULL },
		{ ".hidden:2,", NULL },
	};
	char	 long_name[255];
	char	*name;
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		name = update_seen_name(t[i].in);
		if (t[i].out == NULL)
			assert_null(name);
		else
			assert_string_equal(name, t[i].out);
		free(name);
	}
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_null(update_seen_name(long_name));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(sizes_are_written_in_place_of_others),
		cmocka_unit_test(seen_is_set_once_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
