/* THREAD and SORT on tables: RFC 5256's rules one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imap-session/sort.h"
#include "imap-session/thread.h"
#include "lib/base/buf.h"
#include "lib/base/xmalloc.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))
#define MOST	12

/* "id date subject[!] references ..."; "-": none; "!": a reply. */
struct table {
	const char	*name;
	const char	*message[MOST];
	const char	*want;
};

static void
put(void *arg, const char *text, size_t len)
{
	assert_int_equal(buf_add(arg, text, len), 0);
}

static struct slice
word(const char **p)
{
	struct slice	 w = { *p, strcspn(*p, " ") };

	*p += w.len;
	*p += strspn(*p, " ");
	if (w.len == 1 && w.ptr[0] == '-')
		w.len = 0;
	return w;
}

static void
read_message(const char *text, struct thread_message *m, char *references)
{
	struct slice	 date;
	char		*c;

	m->id = word(&text);
	date = word(&text);
	m->date = strtol(date.ptr, NULL, 10);
	m->subject = word(&text);
	m->reply = m->subject.len > 0 &&
	    m->subject.ptr[m->subject.len - 1] == '!';
	if (m->reply)
		m->subject.len--;
	strcpy(references, text);
	for (c = references; *c != '\0'; c++)
		if (*c == ' ')
			*c = '\n';
	m->references = slice_str(references);
}

static void
check(const struct table *t, bool references)
{
	struct thread_message	 m[MOST];
	struct thread		 th;
	struct buf		 out;
	char			 text[MOST][200];
	uint32_t		 n;

	memset(m, 0, sizeof(m));
	for (n = 0; n < MOST && t->message[n] != NULL; n++) {
		m[n].number = n + 1;
		read_message(t->message[n], &m[n], text[n]);
	}
	if (references)
		thread_references(&th, m, n);
	else
		thread_ordered_subject(&th, m, n);
	buf_init(&out, 10000);
	thread_put(&th, put, &out);
	if (strcmp(buf_cstr(&out), t->want) != 0)
		print_error("%s: %s\n", t->name, buf_cstr(&out));
	assert_string_equal(buf_cstr(&out), t->want);
	buf_free(&out);
	thread_free(&th);
}

static void
references_make_threads(void **state)
{
	static const struct table	 t[] = {
		{ "nothing", { NULL }, "" },
		{ "one", { "a 1 s" }, " (1)" },
		{ "chain", { "a 1 s", "b 2 s! a", "c 3 s! a b" },
		  " (1 2 3)" },
		{ "siblings", { "a 1 s", "b 2 s! a", "c 3 s! a" },
		  " (1 (2)(3))" },
		{ "by date", { "a 1 s", "b 3 s! a", "c 2 s! a" },
		  " (1 (3)(2))" },
		{ "replies first", { "c 3 s! a b", "b 2 s! a", "a 1 s" },
		  " (3 2 1)" },
		{ "the parent is missing, one child",
		  { "b 2 s a" }, " (1)" },
		{ "the parent is missing, two",
		  { "b 2 s a", "c 3 t a" }, " ((1)(2))" },
		{ "a gap in the middle", { "a 1 s", "c 3 s! a b" },
		  " (1 2)" },
		{ "a gap with two below",
		  { "a 1 s", "c 3 s! a b", "d 4 s! a b" }, " (1 (2)(3))" },
		{ "RFC 5256 4's shape",
		  { "a 1 x", "b 2 y", "c 3 z", "d 4 z! c", "e 5 z! c d",
		    "f 6 z! c d e", "g 7 z! c d" },
		  " (1)(2)(3 4 (5 6)(7))" },
		{ "a loop", { "a 1 s b", "b 2 t a" }, " (2 1)" },
		{ "itself", { "a 1 s a" }, " (1)" },
		{ "the same id twice", { "a 1 s", "a 2 t", "b 3 s! a" },
		  " (1 3)(2)" },
		{ "no id", { "- 1 s", "- 2 t" }, " (1)(2)" },
		{ "no id but a parent", { "a 1 s", "- 2 u a" }, " (1 2)" },
		{ "an earlier claim is corrected by the message",
		  { "c 3 q a b", "b 2 r x", "a 1 p", "x 0 o" },
		  " (4 2 1)(3)" },
		{ "tops by date", { "a 5 s", "b 1 t", "c 3 u" },
		  " (2)(3)(1)" },
		{ "same date: by number", { "b 1 s", "a 1 t" },
		  " (1)(2)" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		check(&t[i], true);
}

static void
subjects_join_threads(void **state)
{
	static const struct table	 t[] = {
		{ "a reply without references", { "a 1 s", "b 2 s!" },
		  " (1 2)" },
		{ "the reply is older", { "b 2 s!", "a 1 s" }, " (2 1)" },
		{ "the reply was first",
		  { "b 1 s!", "a 2 s" }, " (2 1)" },
		{ "two originals get a dummy", { "a 1 s", "b 2 s" },
		  " ((1)(2))" },
		{ "three", { "a 1 s", "b 2 s", "c 3 s" },
		  " ((1)(2)(3))" },
		{ "two replies", { "a 1 s!", "b 2 s!" }, " ((1)(2))" },
		{ "an original and two replies",
		  { "a 1 s", "b 2 s!", "c 3 s!" }, " (1 (2)(3))" },
		{ "empty subjects do not", { "a 1 -", "b 2 -" },
		  " (1)(2)" },
		{ "others do not", { "a 1 s", "b 2 t" }, " (1)(2)" },
		{ "a dummy takes one in",
		  { "b 2 s x", "c 3 s x", "d 4 s" }, " ((1)(2)(3))" },
		{ "two dummies become one",
		  { "b 2 s x", "c 3 s x", "d 4 s y", "e 5 s y" },
		  " ((1)(2)(3)(4))" },
		{ "the dummy counts by its first child",
		  { "b 5 s x", "c 3 s x", "d 4 t" }, " ((2)(1))(3)" },
		{ "with what is below",
		  { "a 1 s", "b 2 s! a", "c 3 s", "d 4 s! c" },
		  " ((1 2)(3 4))" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		check(&t[i], true);
}

static void
ordered_subjects_make_threads(void **state)
{
	static const struct table	 t[] = {
		{ "nothing", { NULL }, "" },
		{ "RFC 5256 4", { "- 1 a", "- 2 b", "- 3 b", "- 4 c",
		    "- 5 c", "- 6 c" }, " (1)(2 3)(4 (5)(6))" },
		{ "by date within", { "- 3 a", "- 1 a", "- 2 a" },
		  " (2 (3)(1))" },
		{ "by the first one's date",
		  { "- 9 a", "- 3 b", "- 1 c", "- 2 a" },
		  " (3)(4 1)(2)" },
		{ "references count nothing", { "x 1 a", "y 2 b x" },
		  " (1)(2)" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		check(&t[i], false);
}

/* As deep and as broad as a mailbox is large, without recursion. */
static void
a_deep_thread_is_no_problem(void **state)
{
	enum { DEEP = 200000 };
	struct thread_message	*m = xcalloc(DEEP, sizeof(*m));
	struct thread		 th;
	struct buf		 out;
	char			*ids = xmalloc(DEEP * 8);
	uint32_t		 i, round;

	(void)state;
	for (round = 0; round < 2; round++) {
		for (i = 0; i < DEEP; i++) {
			snprintf(ids + 8 * i, 8, "%x", i);
			m[i].number = i + 1;
			m[i].id = slice_str(ids + 8 * i);
			m[i].subject = SLICE_LIT("s");
			m[i].reply = true;
		}
		for (i = 1; i < DEEP; i++)
			m[i].references = round == 0 ? m[i - 1].id : m[0].id;
		thread_references(&th, m, DEEP);
		buf_init(&out, 10 * DEEP);
		thread_put(&th, put, &out);
		if (round == 0)
			assert_memory_equal(buf_cstr(&out), " (1 2 3 4 ", 10);
		else
			assert_memory_equal(buf_cstr(&out), " (1 (2)(3)(4)",
			    13);
		buf_free(&out);
		thread_free(&th);
	}
	free(ids);
	free(m);
}

static void
check_sort(const struct sort_order *o, const char *want)
{
	static const struct sort_row	 rows[] = {
		{ 1, 50, 10, 300, { SLICE_LIT("B"), SLICE_LIT("MIA"),
		    { 0 }, { 0 }, { 0 }, { 0 } } },
		{ 2, 40, 10, 100, { SLICE_LIT("A"), SLICE_LIT("ZOE"),
		    { 0 }, { 0 }, { 0 }, { 0 } } },
		{ 3, 30, 20, 100, { SLICE_LIT("AB"), SLICE_LIT("BOB"),
		    { 0 }, { 0 }, { 0 }, { 0 } } },
		{ 4, 20, 5, 200, { SLICE_LIT(""), SLICE_LIT("MIA"),
		    { 0 }, { 0 }, { 0 }, { 0 } } },
	};
	struct sort_row	 copy[N(rows)];
	char		 got[40] = "";
	size_t		 i;

	memcpy(copy, rows, sizeof(rows));
	sort_rows(copy, N(rows), o);
	for (i = 0; i < N(rows); i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%u",
		    copy[i].uid);
	assert_string_equal(got, want);
}

static void
rows_are_sorted(void **state)
{
	static const struct { struct sort_order o; const char *want; } t[] = {
		{ { { { SORT_ARRIVAL, false } }, 1 }, "4321" },
		{ { { { SORT_ARRIVAL, true } }, 1 }, "1234" },
		{ { { { SORT_DATE, false } }, 1 }, "4123" },
		/* What is equal stays in order, whatever is reversed. */
		{ { { { SORT_DATE, true } }, 1 }, "3124" },
		{ { { { SORT_SIZE, false } }, 1 }, "2341" },
		{ { { { SORT_SIZE, true }, { SORT_DATE, true } }, 2 },
		  "1432" },
		{ { { { SORT_SUBJECT, false } }, 1 }, "4231" },
		{ { { { SORT_FROM, false }, { SORT_SUBJECT, false } }, 2 },
		  "3412" },
		{ { { { SORT_FROM, true }, { SORT_SUBJECT, true } }, 2 },
		  "2143" },
		{ { { { SORT_CC, false } }, 1 }, "1234" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		check_sort(&t[i].o, t[i].want);
}

int
main(void)
{
	static const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(references_make_threads),
		cmocka_unit_test(subjects_join_threads),
		cmocka_unit_test(ordered_subjects_make_threads),
		cmocka_unit_test(a_deep_thread_is_no_problem),
		cmocka_unit_test(rows_are_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
