/*
 * What FETCH asks for, up to the first LF, of the letter behind it: what is
 * announced is what is sent.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "imap-session/fetch_args.h"
#include "imap-session/fetch_section.h"
#include "tests/unit/fake_folder.h"
#include "tests/unit/lex_feed.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
count(void *ctx, const char *data, size_t len)
{
	(void)data;
	*(uint64_t *)ctx += len;
	return 0;
}

static void
try_sections(const struct fetch_args *a, const uint8_t *letter, size_t len)
{
	struct folder		 box = { 0 };
	struct fetch_octets	 o;
	struct fetch_file	 f;
	uint64_t		 sent;
	size_t			 i;

	if (len == 0)
		return;
	box.letter[0] = (const char *)letter;
	box.len[0] = len;
	fetch_file_init(&f);
	if (fetch_file_open(&f, &box, 1, 1, 0) == -1)
		abort();
	for (i = 0; i < a->nsection; i++) {
		sent = 0;
		if (fetch_section_find(&f, &a->section[i], &o) != FETCH_FOUND)
			continue;
		if (fetch_section_send(&f, &o, count, &sent) == -1 ||
		    sent != o.len)
			abort();
	}
	fetch_file_free(&f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t			*lf;
	struct fetch_args		 a;
	struct stream			 s;
	struct imap_lex			 l;
	char				 line[1000];
	size_t				 n;

	if (len == 0 || (lf = memchr(data, '\n', len)) == NULL)
		return 0;
	n = (size_t)(lf - data);
	if (n > sizeof(line) - 10)
		return 0;
	memcpy(line, "a F ", 4);
	memcpy(line + 4, data, n);
	memcpy(line + 4 + n, "\r\n", 2);
	fetch_args_init(&a);
	if (lex_feed_begin(&l, &s, line, n + 6) && imap_lex_space(&l) &&
	    fetch_args_parse(&l, &a))
		try_sections(&a, lf + 1, len - n - 1);
	fetch_args_free(&a);
	(void)imap_lex_finish(&l);
	lex_feed_end(&l, &s);
	return 0;
}
