/*
 * What search programs find among a few letters, with the search index and
 * without: letters with encoded words, base64, quoted-printable, several
 * charsets, HTML, RFC 2231, a message in a message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "imap-session/search.h"
#include "tests/unit/fake_folder.h"
#include "tests/unit/lex_feed.h"
#include "tests/unit/tmpdir.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))
#define NOW	INT64_C(1800000000)
#define DAY	INT64_C(86400)

static struct folder	 box;
static bool		 indexed;
static unsigned int	 asked, called_off;

static const char *const	 letters[] = {
	/* 1 */
	"From: Alice <alice@example.org>\n"
	"To: \"Bob B.\" <bob@example.net>\n"
	"Subject: Lunch on\n Friday\n"
	"Date: Mon, 2 Nov 2026 23:30:00 -0800\n"
	"Message-ID: <one@example.org>\n"
	"X-Spam: no\n"
	"\n"
	"Shall we meet for\nlunch at the  harbour?\n",
	/* 2: encoded words, quoted-printable in ISO-8859-1 */
	"From: =?utf-8?b?SsO8cmdlbg==?= <j@example.org>\n"
	"Cc: copy@example.org\n"
	"Subject: =?iso-8859-1?q?Gr=FC=DFe_aus?= =?utf-8?q?_K=C3=B6ln?=\n"
	"Date: Tue, 3 Nov 2026 10:00:00 +0000\n"
	"MIME-Version: 1.0\n"
	"Content-Type: text/plain; charset=iso-8859-1\n"
	"Content-Transfer-Encoding: quoted-printable\n"
	"\n"
	"Die Stra=DFe ist na=\n=DF und der Himmel grau=2E\n",
	/* 3: multipart, base64, HTML, an RFC 2231 name */
	"From: carol@example.com\n"
	"Bcc: secret@example.com\n"
	"Subject: parts\n"
	"MIME-Version: 1.0\n"
	"Content-Type: multipart/mixed; boundary=b\n"
	"\n"
	"preamble walrus\n"
	"--b\n"
	"Content-Type: text/plain; charset=utf-8\n"
	"Content-Transfer-Encoding: base64\n"
	"\n"
	"0J/RgNC40LLQtdGCINC80LjRgA==\n"		/* Privet mir */
	"--b\n"
	"Content-Type: text/html\n"
	"\n"
	"<p>fish <b>&amp;</b> ch<i>ips</i></p>\n"
	"--b\n"
	"Content-Type: application/pdf;\n"
	" name*0*=utf-8''%e2%82%ac%20;\n name*1*=rates.pdf\n"
	"\n"
	"not to be found: opossum\n"
	"--b--\n",
	/* 4: a message in a message */
	"From: dave@example.com\n"
	"Subject: Fwd: ticket\n"
	"Content-Type: message/rfc822\n"
	"\n"
	"From: inner@example.com\n"
	"Subject: =?utf-8?q?t=C3=AFcket?= 99\n"
	"\n"
	"The inner words\n",
	/* 5: broken: no such charset, no end */
	"Subject: =?x-nowhere?q?broken\n"
	"Date: nonsense\n"
	"Content-Type: multipart/mixed; boundary=zz\n"
	"\n"
	"--zz\n"
	"Content-Type: text/plain; charset=x-nowhere\n"
	"\n"
	"caf\xe9 open end",
	/* 6: nothing */
	"\n",
};

static const struct {
	uint32_t	 flags, keywords;
	int64_t		 received, saved;
	uint64_t	 wire, modseq;
} about[] = {
	{ LETTER_SEEN, 0, NOW - 100, NOW, 100, 10 },
	{ LETTER_SEEN | LETTER_ANSWERED, 1, 0, DAY, 200, 20 },
	{ 0, 2, DAY, 2 * DAY, 300, 30 },
	{ LETTER_FLAGGED, 3, 2 * DAY - 1, 0, 400, 40 },
	{ LETTER_DELETED | LETTER_PASSED, 0, 2 * DAY, 0, 500, 50 },
	{ LETTER_DRAFT, 0, -1, 0, 600, 60 },
};

int
folder_uids(struct folder *f, struct number_set *out)
{
	uint32_t	 uid;

	for (uid = 1; uid <= FAKE_LETTERS; uid++)
		if (f->letter[uid - 1] != NULL)
			number_set_add(out, uid, uid);
	return 0;
}

ssize_t
folder_letters_of(struct folder *f, const struct number_set *uids,
    uint32_t *from, struct letter *out, size_t max)
{
	size_t	 n = 0;

	assert_true(max > 0);
	for (; *from <= N(about) && n < 2; ++*from) {
		if (!number_set_has(uids, *from) ||
		    f->letter[*from - 1] == NULL)
			continue;
		out[n] = (struct letter){
			.uid = *from, .flags = about[*from - 1].flags,
			.keywords = about[*from - 1].keywords,
			.modseq = about[*from - 1].modseq,
			.wire = LETTER_UNKNOWN, .received = LETTER_UNDATED,
			.saved = about[*from - 1].saved };
		n++;
	}
	if (*from > N(about))
		*from = 0;
	return (ssize_t)n;
}

int
folder_complete(struct folder *f, struct letter *l, size_t n, bool wire,
    bool received)
{
	(void)f;
	for (; n > 0; n--, l++) {
		if (wire)
			l->wire = about[l->uid - 1].wire;
		if (received)
			l->received = about[l->uid - 1].received;
	}
	return 0;
}

int
account_keyword(struct account *a, struct slice name, bool create)
{
	(void)a;
	assert_false(create);
	return slice_is(name, "k0") ? 0 : slice_is(name, "k1") ? 1 : -1;
}

int
view_resolve(const struct view *v, struct slice set, bool uid,
    struct number_set *uids, const char **why)
{
	if (slice_is(set, "$")) {
		number_set_copy(uids, &v->saved);
		return 0;
	}
	if (number_set_parse(set, 6, 100, uids) == 0 &&
	    (uid || !number_set_has(uids, 9)))
		return 0;
	*why = "no such message";
	return -1;
}

static bool
progress(void *arg, uint32_t done, uint32_t goal)
{
	(void)arg;
	assert_true(done <= goal);
	asked++;
	return called_off == 0 || asked < called_off;
}

/* The UIDs found, "1:2,5"; "error" otherwise. */
static void
find(const char *program, struct buf *out)
{
	struct search_context	 ctx = { .folder = &box, .homefd = -1,
				    .validity = 5, .recent = 5,
				    .progress = progress };
	struct search_args	 args = { 0 };
	struct number_set	 in = { 0 }, found = { 0 };
	struct view		 view = { 0 };
	struct imap_lex		 lex;
	struct stream		 s;
	struct buf		 line;
	const char		*why;

	buf_init(&line, 10000);
	buf_addf(&line, "a SEARCH %s\r\n", program);
	assert_true(lex_feed_begin(&lex, &s, line.ptr, line.len));
	if (!search_args_keys(&lex, NOW, &args))
		print_error("%s: %s\n", program, lex.error);
	assert_null(lex.error);
	number_set_add(&view.saved, 2, 3);
	number_set_add(&in, 1, 8);
	if (indexed)
		ctx.homefd = open(tmpdir_path, O_RDONLY | O_DIRECTORY);
	if (search_resolve(&args, &view, NULL, &why) == 0 &&
	    search_run(&ctx, &args, &in, &found) == 0)
		number_set_format(&found, out);
	else
		buf_addstr(out, "error");
	io_close(ctx.homefd);
	number_set_free(&in);
	number_set_free(&found);
	number_set_free(&view.saved);
	search_args_free(&args);
	lex_feed_end(&lex, &s);
	buf_free(&line);
}

struct want {
	const char	*program, *uids;
};

static void
check(const struct want *t, size_t n)
{
	struct buf	 got;

	buf_init(&got, 1000);
	for (; n > 0; n--, t++) {
		buf_clear(&got);
		find(t->program, &got);
		if (strcmp(buf_cstr(&got), t->uids) != 0) {
			print_error("%s: %s, not %s\n", t->program,
			    buf_cstr(&got), t->uids);
			fail();
		}
	}
	buf_free(&got);
}

static void
letters_are_found_by_what_is_known_of_them(void **state)
{
	static const struct want	 t[] = {
		{ "ALL", "1:6" }, { "NOT ALL", "" },
		{ "2:3", "2:3" }, { "UID 5:9", "5:6" }, { "$", "2:3" },
		{ "NOT $", "1,4:6" }, { "2 3", "" }, { "9", "error" },
		{ "SEEN", "1:2" }, { "UNSEEN", "3:6" },
		{ "ANSWERED", "2" }, { "FLAGGED", "4" }, { "DELETED", "5" },
		{ "DRAFT", "6" }, { "UNDELETED", "1:4,6" },
		{ "KEYWORD k0", "2,4" }, { "KEYWORD k1", "3:4" },
		{ "KEYWORD k2", "" }, { "UNKEYWORD k0", "1,3,5:6" },
		{ "UNKEYWORD k2", "1:6" }, { "KEYWORD $Forwarded", "5" },
		{ "UNKEYWORD $forwarded", "1:4,6" },
		{ "RECENT", "5:6" }, { "OLD", "1:4" }, { "NEW", "5:6" },
		{ "NOT NEW", "1:4" },
		{ "LARGER 300", "4:6" }, { "SMALLER 300", "1:2" },
		{ "ON 1-Jan-1970", "2" }, { "ON 2-Jan-1970", "3:4" },
		{ "BEFORE 2-Jan-1970", "2,6" },
		{ "SINCE 2-Jan-1970", "1,3:5" },
		{ "YOUNGER 100", "1" }, { "OLDER 100", "1:6" },
		{ "YOUNGER 99", "" }, { "OLDER 101", "2:6" },
		{ "SAVEDON 2-Jan-1970", "2" },
		{ "SAVEDSINCE 2-Jan-1970", "1:3" },
		{ "SAVEDBEFORE 2-Jan-1970", "4:6" },
		{ "SAVEDATESUPPORTED", "1:6" },
		{ "MODSEQ 30", "3:6" }, { "MODSEQ 61", "" },
		{ "THREADID x", "" }, { "EMAILID x", "" },
		{ "OR SEEN DRAFT", "1:2,6" }, { "SEEN ANSWERED", "2" },
		{ "NOT (SEEN ANSWERED)", "1,3:6" },
		{ "OR (SEEN UNANSWERED) NOT OR 1:4 6", "1,5" },
	};

	(void)state;
	check(t, N(t));
}

static void
letters_are_found_by_their_header(void **state)
{
	static const struct want	 t[] = {
		{ "SUBJECT lunch", "1" }, { "SUBJECT \"on friday\"", "1" },
		{ "SUBJECT \"\"", "1:6" },
		{ "SUBJECT {6+}\r\ngr\303\274\303\237", "2" },
		{ "SUBJECT {9+}\r\naus k\303\266ln", "2" },
		{ "SUBJECT {5+}\r\nK\303\226LN", "2" },
		{ "SUBJECT koln", "" },
		{ "FROM alice", "1" },
		{ "FROM {4+}\r\nJ\303\234R", "2" },
		{ "FROM example.com", "3:4" }, { "TO \"bob b\"", "1" },
		{ "CC copy", "2" }, { "BCC secret", "3" },
		{ "NOT FROM example", "5:6" },
		/* The day is the one that stands there. */
		{ "SENTON 2-Nov-2026", "1" }, { "SENTON 3-Nov-2026", "2" },
		{ "SENTBEFORE 3-Nov-2026", "1" },
		{ "SENTSINCE 1-Jan-1970", "1:2" },
		{ "HEADER x-spam NO", "1" }, { "HEADER X-Spam \"\"", "1" },
		{ "HEADER Date \"\"", "1:2,5" }, { "HEADER X-Not \"\"", "" },
		{ "HEADER Subject {5+}\r\nk\303\266ln", "2" },
		{ "HEADER Content-Type mixed", "3,5" },
		{ "HEADER message-id <one@", "1" },
		{ "OR SUBJECT lunch (UNSEEN FROM dave)", "1,4" },
		{ "NOT SUBJECT t", "1:2,5:6" },
	};

	(void)state;
	check(t, N(t));
}

static const struct want	 texts[] = {
	{ "BODY harbour", "1" }, { "BODY HARBOUR", "1" },
	{ "BODY \"meet for lunch at the harbour\"", "1" },
	{ "BODY \"the  harbour\"", "1" }, { "BODY theharbour", "" },
	{ "BODY Friday", "" }, { "TEXT Friday", "1" },
	{ "TEXT \"lunch on friday\"", "1" },
	{ "TEXT \"x-spam: no\"", "1" }, { "BODY \"x-spam\"", "" },
	{ "BODY {6+}\r\nstra\303\237", "2" },
	{ "BODY {4+}\r\nna\303\237", "2" }, { "BODY grau.", "2" },
	{ "BODY =2E", "" }, { "TEXT {5+}\r\nk\303\266ln", "2" },
	{ "BODY {12+}\r\n\320\277\321\200\320\270\320\262\320\265\321\202",
	    "3" },
	{ "BODY {9+}\r\n\321\202 \320\274\320\270\321\200", "3" },
	{ "BODY \"fish <b>\"", "3" }, { "BODY \"fish & chips\"", "3" },
	{ "BODY walrus", "" }, { "BODY opossum", "" },
	{ "TEXT rates.pdf", "3" }, { "TEXT {9+}\r\n\342\202\254 rates", "3" },
	{ "BODY rates.pdf", "" },
	{ "BODY \"inner words\"", "4" }, { "BODY inner@example", "" },
	{ "TEXT inner@example", "4" }, { "TEXT {7+}\r\nt\303\257cket", "4" },
	{ "TEXT \"fwd: ticket\"", "4" },
	{ "BODY {5+}\r\ncaf\303\251", "5" }, { "BODY \"open end\"", "5" },
	{ "BODY absentee", "" }, { "TEXT absentee", "" },
	{ "BODY e", "1:2,4:5" }, { "BODY \"\"", "1:6" }, { "TEXT \"\"", "1:6" },
	{ "NOT BODY e", "3,6" }, { "NOT TEXT e", "6" },
	{ "OR BODY harbour BODY opossum", "1" },
	{ "OR BODY harbour BODY grau SEEN", "1:2" },
	{ "TEXT example UNSEEN BODY \"inner words\"", "4" },
	{ "BODY \"x y z not there\"", "" },
};

static void
letters_are_found_by_their_text(void **state)
{
	(void)state;
	check(texts, N(texts));
}

static void
the_search_index_finds_the_same(void **state)
{
	int	 opened;

	indexed = true;
	letters_are_found_by_their_text(state);
	opened = box.opened;
	/* Once it is there, what is absent opens no letter. */
	check(&(struct want){ "TEXT absentee", "" }, 1);
	assert_int_equal(box.opened, opened);
	indexed = false;
}

static void
without_an_index_it_is_slower_only(void **state)
{
	box.no_index = true;
	letters_are_found_by_their_header(state);
	letters_are_found_by_their_text(state);
	box.no_index = false;
}

static void
letters_that_are_gone_match_nothing(void **state)
{
	static const struct want	 t[] = {
		{ "ALL", "1,3:6" }, { "NOT SEEN", "3:6" },
		{ "NOT SUBJECT parts", "1,4:6" },
		{ "NOT BODY harbour", "3:6" }, { "2", "" },
	};

	(void)state;
	box.letter[1] = NULL;
	check(t, N(t));
	box.letter[1] = letters[1];
}

static void
a_search_can_be_called_off(void **state)
{
	(void)state;
	asked = 0;
	called_off = 2;
	check(&(struct want){ "BODY zz", "error" }, 1);
	called_off = 0;
}

static int
setup(void **state)
{
	size_t	 i;

	for (i = 0; i < N(letters); i++)
		box.letter[i] = letters[i];
	return tmpdir_setup(state);
}

static int
teardown(void **state)
{
	fake_free(&box);
	return tmpdir_teardown(state);
}

int
main(void)
{
	static const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(letters_are_found_by_what_is_known_of_them),
		cmocka_unit_test(letters_are_found_by_their_header),
		cmocka_unit_test(letters_are_found_by_their_text),
		cmocka_unit_test(the_search_index_finds_the_same),
		cmocka_unit_test(without_an_index_it_is_slower_only),
		cmocka_unit_test(letters_that_are_gone_match_nothing),
		cmocka_unit_test(a_search_can_be_called_off),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
