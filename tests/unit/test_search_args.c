/* Search programs: what they are read as, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "imap-session/search_args.h"
#include "imap-session/sort.h"
#include "lib/base/buf.h"
#include "tests/unit/lex_feed.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))
#define NOW	1000000
#define DAY	INT64_C(86400)

static const char *const	 kinds[] = {
	"all", "uids", "recent", "flags", "keyword", "modseq", "larger",
	"smaller", "received", "saved", "sent", "field", "header", "emailid",
	"body", "text", "and", "or", "not"
};

static void
show_number(struct buf *out, int64_t v)
{
	if (v == INT64_MIN || v == INT64_MAX)
		buf_addstr(out, v < 0 ? "-inf" : "inf");
	else
		buf_addf(out, "%lld", (long long)v);
}

/* "and(all not(flags 8/8))" */
static void
show(const struct search_key *k, struct buf *out)
{
	const struct search_key	*c;

	buf_addstr(out, kinds[k->kind]);
	if (k->child != NULL) {
		buf_addc(out, '(');
		for (c = k->child; c != NULL; c = c->next) {
			show(c, out);
			buf_addstr(out, c->next == NULL ? ")" : " ");
		}
		return;
	}
	if (k->kind == SEARCH_FLAGS)
		buf_addf(out, " %u/%u", k->want, k->mask);
	if (k->kind == SEARCH_KEYWORD)
		buf_addf(out, " %u", k->want);
	if (k->kind == SEARCH_RECENT || k->kind == SEARCH_MODSEQ ||
	    k->kind == SEARCH_LARGER || k->kind == SEARCH_SMALLER ||
	    k->kind == SEARCH_FIELD)
		buf_addf(out, " %llu", (unsigned long long)k->number);
	if (k->kind >= SEARCH_RECEIVED && k->kind <= SEARCH_SENT) {
		buf_addc(out, ' ');
		show_number(out, k->from);
		buf_addstr(out, "..");
		show_number(out, k->to);
	}
	if (k->uid)
		buf_addstr(out, " uid");
	if (k->name.len > 0)
		buf_addf(out, " %.*s", (int)k->name.len, k->name.ptr);
	if (k->kind >= SEARCH_FIELD && k->kind <= SEARCH_TEXT_KEY &&
	    k->kind != SEARCH_EMAILID)
		buf_addf(out, " <%s>", buf_cstr(&k->text));
}

/* What a SEARCH's arguments are read as; or its error, "NO " in front. */
static void
read_search(const char *arguments, struct buf *out)
{
	struct search_args	 args = { 0 };
	struct imap_lex		 lex;
	struct stream		 s;
	struct buf		 line;

	buf_init(&line, 100000);
	buf_addf(&line, "a SEARCH%s\r\n", arguments);
	assert_true(lex_feed_begin(&lex, &s, line.ptr, line.len));
	if (search_args_return(&lex, &args) &&
	    search_args_charset(&lex, false) &&
	    search_args_keys(&lex, NOW, &args)) {
		if (args.extended)
			buf_addf(out, "%u ", args.returns);
		if (args.returns & SEARCH_PARTIAL)
			buf_addf(out, "%s%u-%u ", args.back ? "back " : "",
			    args.first, args.last);
		show(args.key, out);
	} else {
		assert_non_null(lex.error);
		buf_addf(out, "%s %s", lex.no ? "NO" : "BAD", lex.error);
	}
	search_args_free(&args);
	search_args_free(&args);
	lex_feed_end(&lex, &s);
	buf_free(&line);
}

/* want is all, or the beginning if it is an error or has an open end. */
static void
check(const char *arguments, const char *want)
{
	struct buf	 got;
	bool		 whole = want[strlen(want) - 1] == ')' &&
			    want[0] != 'B' && want[0] != 'N';

	buf_init(&got, 100000);
	read_search(arguments, &got);
	if (strncmp(buf_cstr(&got), want, strlen(want)) != 0 ||
	    (whole && got.len != strlen(want))) {
		print_error("%s\n got  %s\n want %s\n", arguments,
		    buf_cstr(&got), want);
		fail();
	}
	buf_free(&got);
}

static void
keys_are_read(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ " ALL", "and(all)" },
		{ " all", "and(all)" },
		{ " ANSWERED UNANSWERED", "and(flags 1/1 flags 0/1)" },
		{ " FLAGGED UNFLAGGED", "and(flags 2/2 flags 0/2)" },
		{ " DELETED UNDELETED", "and(flags 4/4 flags 0/4)" },
		{ " SEEN UNSEEN", "and(flags 8/8 flags 0/8)" },
		{ " DRAFT UNDRAFT", "and(flags 16/16 flags 0/16)" },
		{ " NEW", "and(and(recent 1 flags 0/8))" },
		{ " OLD RECENT", "and(recent 0 recent 1)" },
		{ " KEYWORD $Junk UNKEYWORD a",
		  "and(keyword 1 $Junk keyword 0 a)" },
		{ " 1:5,7", "and(uids 1:5,7)" },
		{ " *", "and(uids *)" },
		{ " $", "and(uids uid $)" },
		{ " UID 3:*", "and(uids uid 3:*)" },
		{ " UID $", "and(uids uid $)" },
		{ " LARGER 0 SMALLER 9223372036854775807",
		  "and(larger 0 smaller 9223372036854775807)" },
		{ " BEFORE 2-Jan-1970", "and(received -inf..86400)" },
		{ " ON \"02-JAN-1970\"", "and(received 86400..172800)" },
		{ " SINCE 1-Jan-1970", "and(received 0..inf)" },
		{ " SENTBEFORE 2-Jan-1970", "and(sent -inf..1)" },
		{ " SENTON 2-Jan-1970", "and(sent 1..2)" },
		{ " SENTSINCE 2-Jan-1970", "and(sent 1..inf)" },
		{ " SAVEDBEFORE 2-Jan-1970", "and(saved -inf..86400)" },
		{ " SAVEDON 2-Jan-1970", "and(saved 86400..172800)" },
		{ " SAVEDSINCE 2-Jan-1970", "and(saved 86400..inf)" },
		{ " SAVEDATESUPPORTED", "and(all)" },
		{ " OLDER 100", "and(received -inf..999901)" },
		{ " YOUNGER 100", "and(received 999900..inf)" },
		{ " MODSEQ 620162338", "and(modseq 620162338)" },
		{ " MODSEQ 0", "and(modseq 0)" },
		{ " MODSEQ \"/flags/\\\\draft\" all 5", "and(modseq 5)" },
		{ " MODSEQ \"/flags/x\" PRIV 5", "and(modseq 5)" },
		{ " EMAILID M6d99ac3275", "and(emailid M6d99ac3275)" },
		{ " THREADID T1", "and(flags 1/0 T1)" },
		{ " SUBJECT x", "and(field 0 <X>)" },
		{ " FROM \"a b\" TO c CC d BCC e",
		  "and(field 2 <A B> field 3 <C> field 4 <D> field 5 <E>)" },
		{ " HEADER Message-ID <a@b>",
		  "and(header Message-ID <<A@B>>)" },
		{ " HEADER X-Y \"\"", "and(header X-Y <>)" },
		{ " HEADER from a", "and(field 2 from <A>)" },
		{ " HEADER from \"\"", "and(header from <>)" },
		{ " HEADER subject a", "and(header subject <A>)" },
		{ " BODY \"a  b\"", "and(body <A B>)" },
		{ " TEXT {4+}\r\na\r\nb", "and(text <A B>)" },
		{ " SUBJECT \"a  b\"", "and(field 0 <A  B>)" },
		{ " SUBJECT {2+}\r\n\303\266", "and(field 0 <O\314\210>)" },
		{ " BODY \"\"", "and(body <>)" },
		{ " CHARSET UTF-8 ALL", "and(all)" },
		{ " CHARSET us-ascii ALL", "and(all)" },
		{ " CHARSET \"utf-8\" ALL", "and(all)" },
		{ " TEXT CHARSET", "and(text <CHARSET>)" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		check(t[i].in, t[i].out);
}

static void
keys_are_combined(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ " NOT SEEN", "and(not(flags 8/8))" },
		{ " NOT NOT SEEN", "and(not(not(flags 8/8)))" },
		{ " OR SEEN ALL", "and(or(flags 8/8 all))" },
		{ " OR OR 1 2 3", "and(or(or(uids 1 uids 2) uids 3))" },
		{ " (SEEN)", "and(and(flags 8/8))" },
		{ " (SEEN ALL) 1", "and(and(flags 8/8 all) uids 1)" },
		{ " OR (1 2) NOT (3 (4))",
		  "and(or(and(uids 1 uids 2) not(and(uids 3 "
		  "and(uids 4)))))" },
		{ " NOT NEW", "and(not(and(recent 1 flags 0/8)))" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		check(t[i].in, t[i].out);
}

static void
return_options_are_read(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ " RETURN () ALL", "4 and(all)" },
		{ " RETURN (ALL) ALL", "4 and(all)" },
		{ " RETURN (MIN MAX COUNT) ALL", "11 and(all)" },
		{ " return (save) ALL", "16 and(all)" },
		{ " RETURN (MIN) CHARSET UTF-8 ALL", "1 and(all)" },
		{ " RETURN (PARTIAL 1:500) ALL", "32 1-500 and(all)" },
		{ " RETURN (PARTIAL 500:1 COUNT) ALL", "40 1-500 and(all)" },
		{ " RETURN (PARTIAL -1:-100) ALL", "32 back 1-100 and(all)" },
		{ " RETURN (PARTIAL -9:-3) ALL", "32 back 3-9 and(all)" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		check(t[i].in, t[i].out);
}

static void
wrong_programs_are_refused(void **state)
{
	static const struct { const char *in, *error; } t[] = {
		{ "", "BAD Missing argument" },
		{ " ", "BAD Atom expected" },
		{ " FOO", "BAD There is no such search key" },
		{ " ALL ", "BAD Atom expected" },
		{ " ALL  ALL", "BAD Atom expected" },
		{ " ()", "BAD Atom expected" },
		{ " (ALL", "BAD \")\" expected" },
		{ " ALL)", "BAD Too many arguments" },
		{ " NOT", "BAD Missing argument" },
		{ " OR ALL", "BAD Missing argument" },
		{ " OR ALL FOO", "BAD There is no such" },
		{ " KEYWORD", "BAD Missing argument" },
		{ " KEYWORD \\Seen", "BAD Atom expected" },
		{ " UID", "BAD Missing argument" },
		{ " UID x", "BAD Sequence set expected" },
		{ " BEFORE yesterday", "BAD Date expected" },
		{ " ON 31-Feb-2026", "BAD There is no such day" },
		{ " OLDER 0", "BAD Number from 1 on expected" },
		{ " YOUNGER -5", "BAD Number expected" },
		{ " LARGER x", "BAD Number expected" },
		{ " LARGER 9223372036854775808", "BAD Number too large" },
		{ " MODSEQ", "BAD Missing argument" },
		{ " MODSEQ \"/flags/x\" 5", "BAD priv, shared or all" },
		{ " MODSEQ \"/foo/x\" all 5", "BAD MODSEQ has no such" },
		{ " MODSEQ \"/flags/x\" all", "BAD Missing argument" },
		{ " EMAILID a.b", "BAD Object identifier expected" },
		{ " EMAILID", "BAD Missing argument" },
		{ " SUBJECT", "BAD Missing argument" },
		{ " SUBJECT (a)", "BAD String expected" },
		{ " HEADER From", "BAD Missing argument" },
		{ " SUBJECT {1+}\r\n\377", "BAD The text to look for is not" },
		{ " CHARSET KOI8-R ALL",
		  "NO [BADCHARSET (US-ASCII UTF-8)] " },
		{ " CHARSET UTF-8", "BAD Missing argument" },
		{ " CHARSET ALL", "NO [BADCHARSET" },
		{ " RETURN ALL", "BAD \"(\" expected" },
		{ " RETURN (FOO) ALL", "BAD There is no such return" },
		{ " RETURN (MIN", "BAD \")\" expected" },
		{ " RETURN (MIN )", "BAD There is no such return" },
		{ " RETURN ()", "BAD Missing argument" },
		{ " RETURN (ALL PARTIAL 1:2) ALL", "BAD PARTIAL and ALL" },
		{ " RETURN (PARTIAL 1:2 PARTIAL 1:2) ALL", "BAD Only one" },
		{ " RETURN (PARTIAL 0:2) ALL", "BAD Number from 1" },
		{ " RETURN (PARTIAL 1) ALL", "BAD " },
		{ " RETURN (PARTIAL 1:*) ALL", "BAD Number expected" },
		{ " RETURN (PARTIAL -1:2) ALL", "BAD A range has both" },
		{ " RETURN (PARTIAL 1:-2) ALL", "BAD A range has both" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < N(t); i++)
		check(t[i].in, t[i].error);
}

static void
limits_are_kept(void **state)
{
	struct buf	 b;
	int		 i;

	(void)state;
	buf_init(&b, 100000);
	for (i = 0; i < 40; i++)
		buf_addstr(&b, " NOT");
	buf_addstr(&b, " ALL");
	check(buf_cstr(&b), "and(not(not(");
	buf_clear(&b);
	for (i = 0; i < 41; i++)
		buf_addstr(&b, " NOT");
	buf_addstr(&b, " ALL");
	check(buf_cstr(&b), "NO [LIMIT] Search keys nest too deep");
	buf_clear(&b);
	buf_addc(&b, ' ');
	for (i = 0; i < 41; i++)
		buf_addc(&b, '(');
	check(buf_cstr(&b), "NO [LIMIT] Search keys nest too deep");
	buf_clear(&b);
	for (i = 0; i < SEARCH_KEYS - 1; i++)
		buf_addstr(&b, " 1");
	check(buf_cstr(&b), "and(uids 1 uids 1");
	buf_addstr(&b, " 1");
	check(buf_cstr(&b), "NO [LIMIT] Too many search keys");
	buf_clear(&b);
	buf_addf(&b, " SUBJECT \"%0*d\"", SEARCH_TEXT, 0);
	check(buf_cstr(&b), "and(field 0 <000");
	buf_clear(&b);
	buf_addf(&b, " SUBJECT \"%0*d\"", SEARCH_TEXT + 1, 0);
	check(buf_cstr(&b), "NO [LIMIT] The text to look for is too long");
	buf_free(&b);
}

static void
sort_orders_are_read(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ " (DATE)", "1" },
		{ " (REVERSE date SUBJECT)", "-1 3" },
		{ " (ARRIVAL SIZE FROM TO CC DISPLAYFROM DISPLAYTO)",
		  "0 2 4 5 6 7 8" },
		{ " (REVERSE ARRIVAL REVERSE SIZE)", "-0 -2" },
		{ " ()", "BAD There is no such sort key" },
		{ " DATE", "BAD \"(\" expected" },
		{ " (DATE", "BAD \")\" expected" },
		{ " (REVERSE)", "BAD Blank expected" },
		{ " (REVERSE REVERSE DATE)", "BAD There is no such" },
		{ " (FOO)", "BAD There is no such sort key" },
		{ " (DATE )", "BAD There is no such sort key" },
	};
	struct sort_order	 o;
	struct imap_lex		 lex;
	struct stream		 s;
	struct buf		 line, got;
	size_t			 i, k;

	(void)state;
	buf_init(&line, 1000);
	buf_init(&got, 1000);
	for (i = 0; i < N(t); i++) {
		buf_clear(&line);
		buf_clear(&got);
		buf_addf(&line, "a SORT%s\r\n", t[i].in);
		assert_true(lex_feed_begin(&lex, &s, line.ptr, line.len));
		if (imap_lex_space(&lex) && sort_order_read(&lex, &o))
			for (k = 0; k < o.n; k++)
				buf_addf(&got, "%s%s%d", k > 0 ? " " : "",
				    o.key[k].reverse ? "-" : "",
				    (int)o.key[k].by);
		else
			buf_addf(&got, "BAD %s", lex.error);
		assert_memory_equal(buf_cstr(&got), t[i].out,
		    strlen(t[i].out));
		lex_feed_end(&lex, &s);
	}
	buf_free(&line);
	buf_free(&got);
}

int
main(void)
{
	static const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(keys_are_read),
		cmocka_unit_test(keys_are_combined),
		cmocka_unit_test(return_options_are_read),
		cmocka_unit_test(wrong_programs_are_refused),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(sort_orders_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
