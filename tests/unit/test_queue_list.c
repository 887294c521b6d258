/* Listings: lines, selectors, and a spool with something of everything. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/xmalloc.h"
#include "lib/store/queue_list.h"
#include "lib/store/spool.h"
#include "lib/store/state.h"
#include "tests/unit/tmpdir.h"

#define NEW	"1abcdef0000000000000"
#define DEF	"1abcdef0000000000001"
#define HELD	"1abcdef0000000000002"
#define BAD	"1abcdef0000000000003"
#define LATE	"1abcdef0000000000004"	/* moved, its state not written yet */

static struct spool	 sp;

static void
put(const char *id, const char *from, const char *to, const char *where)
{
	struct envelope	 env;
	char		 a[64], b[64];

	envelope_init(&env);
	env.arrived = 1763740000123456;
	env.from = xstrdup(from);
	envelope_add_rcpt(&env, to, NULL, 0);
	assert_int_equal(spool_write_queued(&sp, id, &env, SLICE_LIT(
	    "Subject: x\r\n\r\nx\r\n")), 0);
	envelope_free(&env);
	if (strcmp(where, "queue") == 0)
		return;
	spool_queue_name(id, a);
	snprintf(b, sizeof(b), "%s/%s", where, id);
	assert_int_equal(renameat(sp.dirfd, a, sp.dirfd, b), 0);
}

static void
put_state(const char *id)
{
	struct state	 s;
	char		 name[64];
	int		 dir, fd;

	state_init(&s);
	s.from = xstrdup("alice@example.org");
	s.arrived = 1763740000;
	s.size = 17;
	state_add(&s, "done@example.net", NULL, NULL, 0)->letter = STATE_DONE;
	state_add(&s, "bob@example.com", NULL, NULL, 0);
	state_add(&s, "carol@example.edu", NULL, NULL, 0);
	state_note(&s.rcpts[1], 1763740001, "4.4.1", NULL, "not there");
	spool_queue_name(id, name);
	*strrchr(name, '/') = '\0';
	dir = openat(sp.dirfd, name, O_RDONLY | O_DIRECTORY);
	snprintf(name, sizeof(name), "%s.s", id);
	fd = state_create(dir, name, &s, false);
	assert_int_not_equal(fd, -1);
	assert_int_equal(state_set_next(fd, 1763740901), 0);
	close(fd);
	close(dir);
	state_free(&s);
}

static void
put_file(const char *name, const char *text)
{
	int	 fd;

	fd = openat(sp.dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int
setup(void **state)
{
	if (tmpdir_setup(state) == -1 || spool_make(tmpdir_path) == -1 ||
	    spool_open(&sp, tmpdir_path) == -1)
		return -1;
	put(NEW, "", "Bob@example.com", "new");
	put(DEF, "alice@example.org", "list@example.org", "queue");
	put_state(DEF);
	put(LATE, "zoe@example.org", "yves@example.org", "queue");
	put(HELD, "mallory@example.net", "bob@example.com", "hold");
	put_file("hold/" HELD ".r", "too noisy\nsecond line\n");
	put_file("new/" BAD, "merpati 7\nend\n");
	put_file("hold/1abcdef0000000000009.s", "alone");
	put_file("new/README", "not a message");
	return 0;
}

static int
teardown(void **state)
{
	spool_close(&sp);
	return tmpdir_teardown(state);
}

static struct queue_item	 seen[16];
static size_t			 nseen;

static int
see(const struct queue_item *it, void *arg)
{
	(void)arg;
	assert_true(nseen < 16);
	seen[nseen++] = *it;
	return 0;
}

static const struct queue_item *
find(const char *id)
{
	size_t	 i;

	for (i = 0; i < nseen; i++)
		if (strcmp(seen[i].id, id) == 0)
			return &seen[i];
	return NULL;
}

static size_t
list(const char *text)
{
	struct queue_selector	 w;

	assert_int_equal(queue_selector_parse(text, &w), 0);
	nseen = 0;
	assert_int_equal(queue_list(sp.dirfd, &w, see, NULL), 0);
	return nseen;
}

static void
everything_is_listed(void **state)
{
	const struct queue_item	*it;

	(void)state;
	assert_int_equal(list("all"), 5);
	it = find(NEW);
	assert_int_equal(it->where, QUEUE_NEW);
	assert_int_equal(it->size, 17);
	assert_int_equal(it->arrived, 1763740000);
	assert_string_equal(it->from, "");
	assert_string_equal(it->to, "Bob@example.com");
	it = find(DEF);
	assert_int_equal(it->where, QUEUE_DEFERRED);
	assert_int_equal(it->next, 1763740901);
	assert_int_equal(it->rcpts, 3);
	assert_int_equal(it->pending, 2);
	assert_string_equal(it->to, "bob@example.com");
	assert_string_equal(it->code, "4.4.1");
	assert_string_equal(it->reason, "not there");
	it = find(HELD);
	assert_int_equal(it->where, QUEUE_HOLD);
	assert_string_equal(it->reason, "too noisy");
	it = find(BAD);
	assert_non_null(strstr(it->reason, "damaged"));
	assert_non_null(find(LATE));
}

static void
selectors_select(void **state)
{
	static const struct {
		const char	*text;
		size_t		 n;
	} cases[] = {
		{ DEF, 1 }, { "id:" HELD, 1 },
		{ "1abcdef0000000000005", 0 },
		{ "1abcdef0000000000009", 0 },
		{ "recipient:bob@example.com", 3 },
		{ "to:BOB@example.com", 3 },
		{ "to:done@example.net", 0 },	/* finished */
		{ "to:list@example.org", 0 },	/* expanded */
		{ "sender:alice@example.org", 1 },
		{ "from:<>", 1 }, { "from:nobody@example.org", 0 },
		{ "domain:example.org", 2 }, { "domain:example.com", 3 },
		{ "domain:example.net", 1 }, { "domain:ample.com", 0 },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (list(cases[i].text) != cases[i].n)
			fail_msg("%s: %zu", cases[i].text, nseen);
}

static void
bad_selectors_are_refused(void **state)
{
	static const char *const cases[] = { "", "everything", "to:", "from:",
		"domain:", "id:", "id:xyz", "1abcdef000000000000",
		"1abcdef000000000000/", "../1abcdef0000000000", "ALL" };
	struct queue_selector	 w;
	char			 text[2000];
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (queue_selector_parse(cases[i], &w) != -1)
			fail_msg("%s", cases[i]);
	memset(text, 'x', sizeof(text));
	memcpy(text, "from:", 5);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(queue_selector_parse(text, &w), -1);
}

static int
stop(const struct queue_item *it, void *arg)
{
	(void)it;
	return ++*(int *)arg == 2 ? 42 : 0;
}

static void
a_walk_can_be_ended(void **state)
{
	struct queue_selector	 w = { BY_ALL, "" };
	int			 n = 0;

	(void)state;
	assert_int_equal(queue_list(sp.dirfd, &w, stop, &n), 42);
	assert_int_equal(n, 2);
}

static void
a_line_comes_back_as_it_was(void **state)
{
	struct queue_item	 it = { DEF, QUEUE_HOLD, 12, 1763740000, 7, 3,
		2, 9, "a b@example.org", "+x=y@example.org", "4.2.0",
		"what = this \"is\"\n+ more" }, back;
	struct slice		 line;
	struct buf		 b;

	(void)state;
	buf_init(&b, 4096);
	assert_int_equal(queue_item_format(&it, &b), 0);
	line = buf_slice(&b);
	assert_int_equal(line.ptr[line.len - 1], '\n');
	assert_null(memchr(line.ptr, '\n', line.len - 1));
	line.len--;
	assert_int_equal(queue_item_parse(line, &back), 0);
	assert_string_equal(back.id, DEF);
	assert_int_equal(back.where, QUEUE_HOLD);
	assert_int_equal(back.size, 12);
	assert_int_equal(back.arrived, 1763740000);
	assert_int_equal(back.next, 7);
	assert_int_equal(back.rcpts, 3);
	assert_int_equal(back.pending, 2);
	assert_int_equal(back.tries, 9);
	assert_string_equal(back.from, it.from);
	assert_string_equal(back.to, it.to);
	assert_string_equal(back.code, it.code);
	assert_string_equal(back.reason, it.reason);
	/* Cut anywhere before the reason's value it is no line. */
	for (; line.len > 0 && line.ptr[line.len] != '='; line.len--)
		;
	for (; line.len > 0; line.len--)
		assert_int_equal(queue_item_parse(line, &back), -1);
	b.max = 40;
	b.len = 0;
	assert_int_equal(queue_item_format(&it, &b), -1);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void
bad_lines_are_refused(void **state)
{
	static const char	 rest[] = " size=1 arrived=2 next=3 rcpts=1 "
	    "pending=1 tries=0 from= to=a code= reason=";
	static const struct {
		const char	*front, *back;
	} cases[] = {
		{ "id=x where=new", "" },
		{ "id=" DEF " where=nowhere", "" },
		{ "id=" DEF " where=new", " more=1" },
		{ "id=" DEF " where=new", "+zz" },
		{ "id=" DEF " where=new", "+00" },
		{ "where=new id=" DEF, "" },
		{ "", "" },
	};
	struct queue_item	 it;
	char			 text[512];
	uint64_t		 n;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "%s%s%s", cases[i].front, rest,
		    cases[i].back);
		if (queue_item_parse(slice_str(text), &it) != -1)
			fail_msg("%s", text);
	}
	assert_true(queue_item_end(SLICE_LIT("end 12"), &n));
	assert_int_equal(n, 12);
	assert_false(queue_item_end(SLICE_LIT("end"), &n));
	assert_false(queue_item_end(SLICE_LIT("end x"), &n));
	assert_false(queue_item_end(SLICE_LIT("end -1"), &n));
}

static void
a_destination_comes_back_as_it_was(void **state)
{
	struct queue_dest	 d = { "smtp:a b,c:25", QUEUE_DEST_PAUSED, 1, 2,
		3, 4, 1763740000, "4.4.1", "mx+1.example", "it = away" }, back;
	static const char *const bad[] = { "", "dest=", "dest=a",
	    "dest=a state=shut connections=0 allowed=0 waiting=0 deferred=0 "
	    "next=0 code= host= reason=",
	    "dest= state=open connections=0 allowed=0 waiting=0 deferred=0 "
	    "next=0 code= host= reason=",
	    "dest=a state=open connections=-1 allowed=0 waiting=0 deferred=0 "
	    "next=0 code= host= reason=",
	    "dest=a state=open connections=0 allowed=0 waiting=0 deferred=0 "
	    "next=0 code= host= reason= more=1" };
	struct slice		 line;
	struct buf		 b;
	size_t			 i;

	(void)state;
	buf_init(&b, 4096);
	assert_int_equal(queue_dest_format(&d, &b), 0);
	line = buf_slice(&b);
	assert_int_equal(line.ptr[--line.len], '\n');
	assert_int_equal(queue_dest_parse(line, &back), 0);
	assert_string_equal(back.name, d.name);
	assert_int_equal(back.state, QUEUE_DEST_PAUSED);
	assert_int_equal(back.connections, 1);
	assert_int_equal(back.allowed, 2);
	assert_int_equal(back.waiting, 3);
	assert_int_equal(back.deferred, 4);
	assert_int_equal(back.next, 1763740000);
	assert_string_equal(back.code, d.code);
	assert_string_equal(back.host, d.host);
	assert_string_equal(back.reason, d.reason);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(queue_dest_parse(slice_str(bad[i]), &back),
		    -1);
	b.max = 40;
	b.len = 0;
	assert_int_equal(queue_dest_format(&d, &b), -1);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(everything_is_listed),
		cmocka_unit_test(selectors_select),
		cmocka_unit_test(bad_selectors_are_refused),
		cmocka_unit_test(a_walk_can_be_ended),
		cmocka_unit_test(a_line_comes_back_as_it_was),
		cmocka_unit_test(bad_lines_are_refused),
		cmocka_unit_test(a_destination_comes_back_as_it_was),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
