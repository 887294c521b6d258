/* DEFLATE in a stream: both ways, in pieces, and what hostile peers send. */
#include <sys/socket.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "lib/base/xmalloc.h"
#include "lib/net/stream.h"
#include "lib/net/stream_deflate.h"

#define BIG	(8 * 1024 * 1024)

struct end {
	struct stream	 s;
	struct deflate	*d;
	int		 peer;
};

static void
end_open(struct end *e)
{
	int	 fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	e->peer = fds[0];
	stream_init(&e->s, fds[1], fds[1], 2000, 0);
	e->d = deflate_start(&e->s);
	assert_non_null(e->d);
}

static void
end_close(struct end *e)
{
	deflate_free(e->d);
	stream_free(&e->s);
	close(e->s.rfd);
	close(e->peer);
}

/* Raw DEFLATE of the octets, ended by a flush.  The caller frees. */
static unsigned char *
pack(const void *data, size_t len, int flush, size_t *out_len)
{
	z_stream	 z = { .zalloc = Z_NULL };
	size_t		 room = len + 1024;
	unsigned char	*out = xmalloc(room);

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9,
	    Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (z_const Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)len;
	z.next_out = out;
	z.avail_out = (uInt)room;
	deflate(&z, flush);
	*out_len = room - z.avail_out;
	deflateEnd(&z);
	return out;
}

static void
lines_come_out_however_they_are_cut(void **state)
{
	static const char	 text[] = "one\r\ntwo\r\n\r\n";
	struct end		 e;
	struct slice		 line;
	unsigned char		*raw;
	size_t			 len, i;

	(void)state;
	raw = pack(text, strlen(text), Z_SYNC_FLUSH, &len);
	end_open(&e);
	for (i = 0; i < len; i++) {
		assert_int_equal(write(e.peer, raw + i, 1), 1);
		stream_readable(&e.s, 0);
	}
	assert_int_equal(stream_line(&e.s, 100, &line), STREAM_OK);
	assert_true(slice_is(line, "one"));
	assert_int_equal(stream_line(&e.s, 100, &line), STREAM_OK);
	assert_true(slice_is(line, "two"));
	assert_int_equal(stream_line(&e.s, 100, &line), STREAM_OK);
	assert_int_equal(line.len, 0);
	assert_false(stream_readable(&e.s, 0));
	free(raw);
	end_close(&e);
}

/* What one stream writes another one reads, with rests in between. */
static void
both_ends_understand_each_other(void **state)
{
	struct end	 a, b;
	struct slice	 line;
	char		 text[3000];
	int		 i, n;

	(void)state;
	end_open(&a);
	stream_init(&b.s, a.peer, a.peer, 2000, 0);
	b.d = deflate_start(&b.s);
	for (i = 0; i < 200; i++) {
		n = snprintf(text, sizeof(text), "%d %0*d", i, i * 10 + 1,
		    i);
		stream_printf(&a.s, "%s\r\n", text);
		if (i % 3 == 0) {
			assert_int_equal(stream_flush(&a.s), STREAM_OK);
			deflate_rest(a.d);
		}
		assert_int_equal(stream_flush(&a.s), STREAM_OK);
		assert_int_equal(stream_line(&b.s, 4096, &line), STREAM_OK);
		assert_int_equal(line.len, n);
		assert_memory_equal(line.ptr, text, line.len);
		if (i % 7 == 0)
			deflate_rest(b.d);
	}
	deflate_free(b.d);
	stream_free(&b.s);
	end_close(&a);
}

/* More than a socket holds: nothing is lost, nothing twice. */
static void
a_slow_reader_gets_every_octet(void **state)
{
	struct end	 e;
	struct stream	 r;
	struct deflate	*d;
	struct slice	 got;
	uint32_t	 x = 1, y = 1;
	size_t		 i, n = 0;
	pid_t		 pid;

	(void)state;
	end_open(&e);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		for (i = 0; i < BIG / 4; i++) {
			x = x * 1664525 + 1013904223;
			stream_put(&e.s, &x, 4);
		}
		_exit(stream_flush(&e.s) == STREAM_OK ? 0 : 1);
	}
	stream_init(&r, e.peer, e.peer, 20000, 0);
	d = deflate_start(&r);
	while (n < BIG) {
		assert_int_equal(stream_peek(&r, &got), STREAM_OK);
		for (i = 0; i < got.len; i++, n++) {
			if (n % 4 == 0)
				y = y * 1664525 + 1013904223;
			if ((unsigned char)got.ptr[i] !=
			    (unsigned char)(y >> (n % 4 * 8)))
				fail_msg("octet %zu differs", n);
		}
		stream_consume(&r, got.len);
	}
	deflate_free(d);
	stream_free(&r);
	end_close(&e);
}

/* A line's limit holds for what comes out, not for what goes in. */
static void
a_bomb_is_a_line_too_long(void **state)
{
	struct end	 e;
	struct slice	 line;
	unsigned char	*raw;
	char		*zeros = xcalloc(1, BIG);
	size_t		 len;

	(void)state;
	raw = pack(zeros, BIG, Z_SYNC_FLUSH, &len);
	assert_true(len < 20000);
	end_open(&e);
	assert_int_equal(write(e.peer, raw, len), (ssize_t)len);
	assert_int_equal(stream_line(&e.s, 1000, &line), STREAM_ERROR);
	assert_int_equal(errno, EMSGSIZE);
	free(raw);
	free(zeros);
	end_close(&e);
}

static void
nonsense_is_an_error(void **state)
{
	static const struct {
		const char	*name;
		const char	*raw;
		size_t		 len;
	} cases[] = {
		{ "a block type that there is not", "\xff\xff\xff", 3 },
		{ "plain text", "A1 NOOP\r\nA2 NOOP\r\n", 18 },
		{ "a zlib header", "\x78\x9c\x4b\x04", 4 },
		{ "a stored block with wrong lengths", "\x00\x01\x00\x01\x00",
		    5 },
		{ "a reference to before the beginning", "\x03\x02\x00", 3 },
	};
	struct end	 e;
	struct slice	 line;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		end_open(&e);
		assert_int_equal(write(e.peer, cases[i].raw, cases[i].len),
		    (ssize_t)cases[i].len);
		shutdown(e.peer, SHUT_WR);
		if (stream_line(&e.s, 1000, &line) == STREAM_OK)
			fail_msg("%s", cases[i].name);
		end_close(&e);
	}
}

static void
an_end_and_a_cut_are_told(void **state)
{
	static const char	 text[] = "whole\r\npart";
	struct end		 e;
	struct slice		 line;
	unsigned char		*raw;
	size_t			 len;

	(void)state;
	raw = pack(text, strlen(text), Z_FINISH, &len);
	end_open(&e);
	assert_int_equal(write(e.peer, raw, len), (ssize_t)len);
	assert_int_equal(stream_line(&e.s, 100, &line), STREAM_OK);
	assert_true(slice_is(line, "whole"));
	assert_int_equal(stream_line(&e.s, 100, &line), STREAM_EOF);
	end_close(&e);

	end_open(&e);
	assert_int_equal(write(e.peer, raw, 3), 3);
	stream_set_idle(&e.s, 50);
	assert_int_equal(stream_line(&e.s, 100, &line), STREAM_TIMEOUT);
	close(e.peer);
	e.peer = -1;
	assert_int_equal(stream_line(&e.s, 100, &line), STREAM_EOF);
	free(raw);
	end_close(&e);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(lines_come_out_however_they_are_cut),
		cmocka_unit_test(both_ends_understand_each_other),
		cmocka_unit_test(a_slow_reader_gets_every_octet),
		cmocka_unit_test(a_bomb_is_a_line_too_long),
		cmocka_unit_test(nonsense_is_an_error),
		cmocka_unit_test(an_end_and_a_cut_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
