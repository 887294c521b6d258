/* Talks about four letters. */
#ifndef TESTS_LETTERS_TALK_H
#define TESTS_LETTERS_TALK_H

#include <stdlib.h>

#include "tests/unit/imap_talk.h"

#define N(t)	(sizeof(t) / sizeof((t)[0]))

struct talk {
	const char	*name, *input, *expect;
};

#define ONE	"From: a@b\nSubject: one\n\nhi\n"
#define TWO	"Subject: two\nContent-Type: text/html\n\n<p>x</p>\n"

/* Four letters: two with octets, one \Deleted, one that is gone. */
static inline void
four(void)
{
	fake_reset();
	fake.claimed = 5;
	fake_deliver_text(0, ONE);
	fake_deliver_text(LETTER_SEEN, TWO);
	fake_deliver_text(LETTER_DELETED, "\n3\n");
	fake_deliver_text(0, "\n4\n");
	fake.state.next = 5;
}

/* What comes after SELECT's answer. */
static inline void
check(const char *enable, const struct talk *t)
{
	struct buf	 in, out;
	const char	*said;

	buf_init(&in, 1 << 16);
	buf_addstr(&in, enable);
	buf_addstr(&in, t->input);
	converse(in.ptr, in.len, &out);
	said = after(&out, "\r\ns OK");
	if (strcmp(said, t->expect) != 0)
		print_error("%s: %s\n", t->name, t->input);
	assert_string_equal(said, t->expect);
	buf_free(&in);
	buf_free(&out);
}

static inline void
check_all(const char *enable, const struct talk *t, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++) {
		four();
		check(enable, &t[i]);
	}
}

#define SELECT	"s SELECT INBOX\r\n"
#define REV2	"e ENABLE IMAP4rev2\r\n" SELECT

#endif
