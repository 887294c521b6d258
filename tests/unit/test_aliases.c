/* aliases: the file's errors, lookups, expansion. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/io.h"
#include "lib/mail/aliases.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))

static char	 dir[] = "/tmp/test_aliases.XXXXXX";
static char	 path[64], list_a[64], list_b[64], fifo[64];

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/aliases", dir);
	snprintf(list_a, sizeof(list_a), "%s/a", dir);
	snprintf(list_b, sizeof(list_b), "%s/b", dir);
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	return mkfifo(fifo, 0600);
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(list_a);
	unlink(list_b);
	unlink(fifo);
	return rmdir(dir);
}

static void
write_file(const char *name, const char *text)
{
	int	 fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(io_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static struct aliases *
load(const char *text)
{
	struct aliases	*a;
	struct buf	 err;

	write_file(path, text);
	buf_init(&err, 4096);
	a = aliases_load(path, &err);
	if (a == NULL)
		fail_msg("%s", buf_cstr(&err));
	assert_int_equal(err.len, 0);
	buf_free(&err);
	return a;
}

static void
collect(const char *name, const char *results, void *arg)
{
	assert_int_equal(buf_addf(arg, "%s = %s\n", name, results), 0);
}

static void
files_are_read_in_all_their_forms(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "", "" }, { "\n\n", "" }, { "# a: b\n  # c\n", "" },
		{ "a: b\n", "a = b\n" }, { "a:b", "a = b\n" },
		{ "a : b , c@D ,\r\n", "a = b, c@d\n" },
		{ "A: B\n", "A = B\n" },
		{ "a: b,\n\tc,\n# between\n\n d@e\nf: g\n",
		    "a = b, c, d@e\nf = g\n" },
		{ "a:\n b\n", "a = b\n" },
		{ "a@D: b\n@D: c\n", "@d = c\na@d = b\n" },
		{ "\"a b\": \"c, d\"@e, \"x:y\"\n",
		    "\"a b\" = \"c, d\"@e, \"x:y\"\n" },
		{ "\"a:b\": c\n", "\"a:b\" = c\n" },
		{ "a@[IPv6:::1]: b\n", "a@[ipv6:::1] = b\n" },
		{ "l: :include:/x/y, b\n", "l = :include:/x/y, b\n" },
		{ "l: \":include: /x/y z\"\n", "l = :include:/x/y z\n" },
		{ "m\xc3\xbc: b\n", "m\xc3\xbc = b\n" },
		{ "a: <b@c>\n", "a = b@c\n" },
		{ "a+b: c+d@e\n", "a+b = c+d@e\n" },
	};
	struct aliases	*a;
	struct buf	 b;
	size_t		 i;

	(void)state;
	buf_init(&b, 4096);
	for (i = 0; i < N(t); i++) {
		a = load(t[i].in);
		buf_clear(&b);
		aliases_each(a, collect, &b);
		assert_string_equal(buf_cstr(&b), t[i].out);
		aliases_free(a);
	}
	buf_free(&b);
}

static void
errors_name_the_file_the_line_and_the_reason(void **state)
{
	static const struct { const char *in; size_t line; const char *why; }
	    t[] = {
		{ "a: b\nnonsense\n", 2, "no colon" },
		{ "a: b\n\n: c\n", 3, "no name" },
		{ " a: b\n", 1, "continues nothing" },
		{ "a:\nb: c\n", 1, "no result for a" },
		{ "a: b\nc: ,,\n", 2, "no result for c" },
		{ "a: b\nA: c\n", 2, "second alias for A" },
		{ "a@D: b\nx: y\na@d: c\n", 3, "second alias for a@d" },
		{ "@b\xc3\xbc" "cher.example: a\n"
		    "@xn--bcher-kva.example: b\n", 2, "second alias" },
		{ "a: |prog\n", 1, "filter" },
		{ "a: b, \"|prog -x, y\"\n", 1, "filter" },
		{ "a: b\nc: d,\n /var/mail/x\n", 3, "not written to files" },
		{ "a: \"/var/mail/x y\"\n", 1, "not written to files" },
		{ "a: \\a\n", 1, "backslash" },
		{ "a: :include:relative\n", 1, "absolute" },
		{ "a: :include:\n", 1, "colon" },
		{ "a: :fail: no\n", 1, "colon" },
		{ "a: b c\n", 1, "not an address" },
		{ "a: b@@c\n", 1, "not an address" },
		{ "a: b@-c\n", 1, "not an address" },
		{ "a: \"b\n", 1, "not an address" },
		{ "a: m\xfc\n", 1, "not an address" },
		{ "a b: c\n", 1, "not a name" },
		{ "<a>: c\n", 1, "not a name" },
		{ "@: c\n", 1, "not a name" },
		{ "@-x: c\n", 1, "not a name" },
		{ "a@: c\n", 1, "not a name" },
	};
	struct buf	 err, want;
	size_t		 i;

	(void)state;
	buf_init(&err, 4096);
	buf_init(&want, 4096);
	for (i = 0; i < N(t); i++) {
		write_file(path, t[i].in);
		buf_clear(&err);
		buf_clear(&want);
		aliases_free(aliases_load(path, &err));
		assert_int_equal(buf_addf(&want, "%s:%zu: ", path,
		    t[i].line), 0);
		if (strncmp(buf_cstr(&err), buf_cstr(&want), want.len) != 0 ||
		    strstr(buf_cstr(&err), t[i].why) == NULL)
			fail_msg("%s -> %s", t[i].in, buf_cstr(&err));
	}
	buf_free(&want);

	write_file(path, "a: |b\nc: d\ne: /f\n");
	buf_clear(&err);
	aliases_free(aliases_load(path, &err));
	assert_non_null(strstr(buf_cstr(&err), "aliases:1: "));
	assert_non_null(strstr(buf_cstr(&err), "aliases:3: "));
	assert_null(strstr(buf_cstr(&err), "aliases:2: "));

	buf_clear(&err);
	assert_null(aliases_load(dir, &err));
	assert_non_null(strstr(buf_cstr(&err), dir));
	buf_free(&err);
}

static void
a_missing_file_is_an_empty_table(void **state)
{
	struct aliases	*a;
	struct buf	 err;

	(void)state;
	buf_init(&err, 100);
	unlink(path);
	a = aliases_load(path, &err);
	assert_non_null(a);
	assert_int_equal(err.len, 0);
	assert_false(aliases_has(a, "a", "b", true));
	aliases_free(a);
	aliases_free(NULL);
}

static void
names_match_by_address_then_name_then_domain(void **state)
{
	static const struct {
		const char	*local, *domain;
		bool		 catchall, found;
	} t[] = {
		{ "info", "any.example", false, true },
		{ "INFO", "any.example", false, true },
		{ "info", "", false, true },
		{ "al", "d.example", false, true },
		{ "Al", "D.EXAMPLE", false, true },
		{ "bu", "b\xc3\xbc" "cher.example", false, true },
		{ "bu", "xn--bcher-kva.example", false, true },
		{ "a b", "d.example", false, true },
		{ "x", "c.example", true, true },
		{ "x", "C.Example", true, true },
		{ "x", "c.example", false, false },
		{ "x", "d.example", true, false },
		{ "al", "c.example", false, false },
		{ "al", "", false, false },
		{ "", "d.example", false, false },
		{ "al@d.example", "", false, false },
		{ "al", "not a domain\xff", true, false },
		{ "inf", "any.example", true, false },
	};
	struct aliases	*a;
	char		 local[400];
	size_t		 i;

	(void)state;
	a = load("info: x\nal@d.example: x\n@c.example: x\n"
	    "bu@b\xc3\xbc" "cher.example: x\n\"a b\": x\n");
	for (i = 0; i < N(t); i++)
		if (aliases_has(a, t[i].local, t[i].domain, t[i].catchall) !=
		    t[i].found)
			fail_msg("%s@%s", t[i].local, t[i].domain);
	memset(local, 'x', sizeof(local));
	local[sizeof(local) - 1] = '\0';
	assert_false(aliases_has(a, local, "d.example", true));
	aliases_free(a);
}

static bool
is_local(const char *domain, void *arg)
{
	(void)arg;
	return strcmp(domain, "d") == 0 || strcmp(domain, "e") == 0 ||
	    strcmp(domain, "host") == 0;
}

static bool
is_user(const char *local, const char *domain, void *arg)
{
	(void)arg;
	return strcmp(domain, "d") == 0 &&
	    (strcmp(local, "al") == 0 || strcmp(local, "bo") == 0);
}

static enum aliases_status
expand(const struct aliases *a, const char *address, struct buf *out)
{
	struct aliases_result	*r;
	struct address		 addr;
	enum aliases_status	 st;
	size_t			 i, n;

	assert_int_equal(address_parse(slice_str(address), ADDRESS_LENIENT,
	    &addr), ADDRESS_OK);
	buf_clear(out);
	st = aliases_expand(a, &addr, "host", is_local, is_user, NULL, &r,
	    &n);
	if (st != ALIASES_OK) {
		assert_null(r);
		assert_int_equal(n, 0);
	}
	for (i = 0; i < n; i++)
		assert_int_equal(buf_addf(out, "%s %s %s|", r[i].address,
		    r[i].owner == NULL ? "-" : r[i].owner, r[i].orcpt), 0);
	aliases_results_free(r, n);
	return st;
}

static void
addresses_are_expanded_wholly(void **state)
{
	static const struct {
		const char		*file, *address;
		enum aliases_status	 st;
		const char		*out;
	} t[] = {
		{ "a: b@x\n", "a@d", ALIASES_OK, "b@x - a@d|" },
		{ "a: b@x\n", "A@d", ALIASES_OK, "b@x - A@d|" },
		{ "a: b@x\n", "a@remote", ALIASES_NONE, "" },
		{ "a: b@x\n", "b@d", ALIASES_NONE, "" },
		{ "a: b@x\n", "a", ALIASES_OK, "b@x - a@host|" },
		{ "", "a@d", ALIASES_NONE, "" },
		/* Unqualified results: here if known here, else at host. */
		{ "a: al, cy\n", "a@d", ALIASES_OK,
		    "al@d - a@d|cy@host - a@d|" },
		{ "a: b\nb@d: x@x\n", "a@d", ALIASES_OK, "x@x - a@d|" },
		{ "a: al\n", "a@e", ALIASES_OK, "al@host - a@e|" },
		/* Nested, with duplicates by any way, any case. */
		{ "a: b, c, x@x\nb: x@x, y@x\nc: y@x, AL@d, al@d\n", "a@d",
		    ALIASES_OK, "x@x - a@d|y@x - a@d|AL@d - a@d|" },
		{ "a: Bo@d, bo@d\n@d: bo@d\n", "a@d", ALIASES_OK,
		    "bo@d - a@d|" },
		{ "a: b, c\nb: z\nc: z\nz: x@x\n", "a@d", ALIASES_OK,
		    "x@x - a@d|" },
		/* Own name: the mailbox when there is one. */
		{ "al: al, x@x\n", "al@d", ALIASES_OK,
		    "al@d - al@d|x@x - al@d|" },
		{ "al: b\nb: al, x@x\n", "al@d", ALIASES_OK,
		    "al@d - al@d|x@x - al@d|" },
		{ "a: a, x@x\n", "a@d", ALIASES_OK, "x@x - a@d|" },
		{ "a: a\n", "a@d", ALIASES_LOOP, "" },
		{ "a: b\nb: c\nc: a\n", "a@d", ALIASES_LOOP, "" },
		{ "al: al\n", "al@d", ALIASES_OK, "al@d - al@d|" },
		/* Alias, user, catch-all: in this order. */
		{ "al: x@x\n", "al@d", ALIASES_OK, "x@x - al@d|" },
		{ "@d: x@x\n", "al@d", ALIASES_NONE, "" },
		{ "@d: x@x\n", "no@d", ALIASES_OK, "x@x - no@d|" },
		{ "@d: al@d\n", "no@d", ALIASES_OK, "al@d - no@d|" },
		{ "@d: no@d\n", "no@d", ALIASES_LOOP, "" },
		{ "@d: z@e\n@e: z@d\n", "no@d", ALIASES_LOOP, "" },
		{ "a@d: x@x\na: y@x\n", "a@d", ALIASES_OK, "x@x - a@d|" },
		{ "a@d: x@x\na: y@x\n", "a@e", ALIASES_OK, "y@x - a@e|" },
		{ "a: no@d\n", "a@d", ALIASES_OK, "no@d - a@d|" },
		/* Bounces of a list go to its owner. */
		{ "l: x@x\nowner-l: al@d\n", "l@d", ALIASES_OK,
		    "x@x owner-l@d l@d|" },
		{ "l: m, y@x\nm: x@x\nowner-l: al@d\nowner-m: bo@d\n", "l@d",
		    ALIASES_OK, "x@x owner-m@d l@d|y@x owner-l@d l@d|" },
		{ "l: m\nm: x@x\nowner-l: al@d\n", "l@d", ALIASES_OK,
		    "x@x owner-l@d l@d|" },
		{ "l: x@x\nowner-l@e: al@d\n", "l@d", ALIASES_OK,
		    "x@x - l@d|" },
		/* Depth 10 is fine, 11 is not. */
		{ "a0: a1\na1: a2\na2: a3\na3: a4\na4: a5\na5: a6\na6: a7\n"
		    "a7: a8\na8: a9\na9: x@x\n", "a0@d", ALIASES_OK,
		    "x@x - a0@d|" },
		{ "a0: a1\na1: a2\na2: a3\na3: a4\na4: a5\na5: a6\na6: a7\n"
		    "a7: a8\na8: a9\na9: aa\naa: x@x\n", "a0@d",
		    ALIASES_LOOP, "" },
	};
	struct aliases	*a;
	struct buf	 out;
	size_t		 i;

	(void)state;
	buf_init(&out, 4096);
	for (i = 0; i < N(t); i++) {
		a = load(t[i].file);
		if (expand(a, t[i].address, &out) != t[i].st)
			fail_msg("%s", t[i].file);
		assert_string_equal(buf_cstr(&out), t[i].out);
		aliases_free(a);
	}
	buf_free(&out);
}

/* Nobody gets half of what was meant: mail waits until the line is mended. */
static void
an_alias_with_an_error_is_there_but_leads_nowhere(void **state)
{
	static const char	*const bad[] = { "cut", "twice", "empty",
	    "prog", "outer" };
	struct aliases		*a;
	struct buf		 out, err;
	char			 name[32];
	size_t			 i;

	(void)state;
	buf_init(&out, 4096);
	buf_init(&err, 4096);
	write_file(path, "good: x@x\ncut: x@x, y y,\n z@z\ntwice: x@x\n"
	    "empty:\nTwice: y@y\nprog: x@x,\n |prog\nouter: y@y, cut\n"
	    "last: x@x\nno name: z@z\n");
	a = aliases_load(path, &err);
	assert_non_null(a);
	assert_non_null(strstr(buf_cstr(&err), "aliases:2: not an address"));
	for (i = 0; i < N(bad); i++) {
		snprintf(name, sizeof(name), "%s@d", bad[i]);
		assert_true(aliases_has(a, bad[i], "d", false));
		assert_int_equal(expand(a, name, &out), ALIASES_ERROR);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(expand(a, "good@d", &out), ALIASES_OK);
	assert_int_equal(expand(a, "last@d", &out), ALIASES_OK);
	assert_string_equal(buf_cstr(&out), "x@x - last@d|");
	aliases_free(a);
	buf_free(&out);
	buf_free(&err);
}

static void
includes_are_read_when_the_list_is_used(void **state)
{
	struct aliases	*a;
	struct buf	 text, out, err;

	(void)state;
	buf_init(&text, 4096);
	buf_init(&out, 4096);
	buf_init(&err, 4096);
	unlink(list_a);
	assert_int_equal(buf_addf(&text, "l: al@d, :include:%s\n"
	    "e: :include:%s\nf: :include:%s\n", list_a, list_b, fifo), 0);
	a = load(buf_cstr(&text));

	assert_int_equal(expand(a, "l@d", &out), ALIASES_ERROR);
	assert_int_equal(errno, ENOENT);
	write_file(list_a, "# friends\nx@x\n\n  y@y, bo\r\n");
	assert_int_equal(expand(a, "l@d", &out), ALIASES_OK);
	assert_string_equal(buf_cstr(&out),
	    "al@d - l@d|x@x - l@d|y@y - l@d|bo@d - l@d|");

	/* A bad line: nobody gets it until the admin mends the file. */
	write_file(list_a, "x@x\n|prog\ny y\n");
	assert_int_equal(expand(a, "l@d", &out), ALIASES_ERROR);
	assert_int_equal(errno, EINVAL);
	write_file(list_b, "");
	assert_int_equal(aliases_check_includes(a, &err), -1);
	assert_non_null(strstr(buf_cstr(&err), "/a:2: programs"));
	assert_non_null(strstr(buf_cstr(&err), "/a:3: not an address"));

	assert_int_equal(expand(a, "e@d", &out), ALIASES_ERROR);
	assert_int_equal(errno, ENODATA);
	assert_int_equal(expand(a, "f@d", &out), ALIASES_ERROR);
	assert_int_equal(errno, EINVAL);

	/* A file that includes itself ends at the depth. */
	buf_clear(&text);
	assert_int_equal(buf_addf(&text, "x@x\n:include:%s\n", list_a), 0);
	write_file(list_a, buf_cstr(&text));
	assert_int_equal(expand(a, "l@d", &out), ALIASES_LOOP);
	write_file(list_a, "x@x\n");
	unlink(fifo);
	write_file(fifo, "y@y\n");
	buf_clear(&err);
	assert_int_equal(aliases_check_includes(a, &err), 0);
	assert_int_equal(err.len, 0);
	aliases_free(a);
	buf_free(&text);
	buf_free(&out);
	buf_free(&err);
}

static void
results_and_include_files_have_a_limit(void **state)
{
	struct aliases	*a;
	struct buf	 text, out;
	size_t		 i;

	(void)state;
	buf_init(&text, 8 << 20);
	buf_init(&out, 1 << 20);
	assert_int_equal(buf_addf(&text, "l: :include:%s\n", list_a), 0);
	a = load(buf_cstr(&text));
	buf_clear(&text);
	for (i = 0; i < ALIASES_RESULTS; i++)
		assert_int_equal(buf_addf(&text, "u%zu@x\n", i), 0);
	write_file(list_a, buf_cstr(&text));
	assert_int_equal(expand(a, "l@d", &out), ALIASES_OK);
	assert_int_equal(buf_addstr(&text, "one@more\n"), 0);
	write_file(list_a, buf_cstr(&text));
	assert_int_equal(expand(a, "l@d", &out), ALIASES_TOOMANY);
	for (i = 0; i < 5 * 1024; i++)
		assert_int_equal(buf_addf(&text, "#%01022d\n", 0), 0);
	write_file(list_a, buf_cstr(&text));
	assert_int_equal(expand(a, "l@d", &out), ALIASES_ERROR);
	assert_int_equal(errno, EFBIG);
	aliases_free(a);
	buf_free(&text);
	buf_free(&out);
}

/* Microseconds of CPU a lookup among n. */
static double
lookup_us(size_t n)
{
	struct aliases	*a;
	struct buf	 text;
	struct timespec	 t0, t1;
	char		 local[16];
	size_t		 i;

	buf_init(&text, 16 << 20);
	for (i = 0; i < n; i++)
		assert_int_equal(buf_addf(&text, "n%zu: u%zu@example.org\n",
		    i * 7919 % n, i), 0);
	a = load(buf_cstr(&text));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	for (i = 0; i < 10000; i++) {
		snprintf(local, sizeof(local), "n%zu", i * 10 % n);
		assert_true(aliases_has(a, local, "d", true));
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	aliases_free(a);
	buf_free(&text);
	return ((double)(t1.tv_sec - t0.tv_sec) * 1e9 +
	    (double)(t1.tv_nsec - t0.tv_nsec)) / 1e3 / 10000;
}

static void
a_hundred_thousand_aliases_are_found_like_a_hundred(void **state)
{
	double	 few, many;

	(void)state;
	few = lookup_us(100);
	many = lookup_us(100000);
	print_message("%.2f us a lookup among 100, %.2f among 100,000\n", few,
	    many);
	/* A thousand times as many; caches and a step or ten more. */
	assert_true(many < 50 * few);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(files_are_read_in_all_their_forms),
		cmocka_unit_test(errors_name_the_file_the_line_and_the_reason),
		cmocka_unit_test(a_missing_file_is_an_empty_table),
		cmocka_unit_test(names_match_by_address_then_name_then_domain),
		cmocka_unit_test(addresses_are_expanded_wholly),
		cmocka_unit_test(an_alias_with_an_error_is_there_but_leads_nowhere),
		cmocka_unit_test(includes_are_read_when_the_list_is_used),
		cmocka_unit_test(results_and_include_files_have_a_limit),
		cmocka_unit_test(
		    a_hundred_thousand_aliases_are_found_like_a_hundred),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
