/* What goes through a connection that is encrypted, and how it ends. */
#include "lib/base/io.h"
#include "tests/unit/tls_client_box.h"

static void
much_goes_both_ways(void **state)
{
	static char	 line[1000];
	struct slice	 back;
	size_t		 got = 0;
	int		 i;

	(void)state;
	connect_to(ECHO);
	memset(line, 'y', sizeof(line) - 2);
	line[998] = '\r';
	line[999] = '\n';
	for (i = 0; i < 500; i++) {
		stream_put(&s, line, sizeof(line));
		assert_int_equal(stream_line(&s, 2000, &back), STREAM_OK);
		assert_int_equal(back.len, 998);
	}
	end();

	connect_to(BIG);
	while (stream_peek(&s, &back) == STREAM_OK) {
		got += back.len;
		stream_consume(&s, back.len);
	}
	assert_int_equal(got, 4 << 20);
	assert_int_equal(stream_peek(&s, &back), STREAM_EOF);
	assert_string_equal(tls_error(&s), "");
	end();
}

static void
an_end_without_notice_is_an_end(void **state)
{
	struct slice	 line;

	(void)state;
	connect_to(ABRUPT);
	assert_int_equal(stream_line(&s, 512, &line), STREAM_OK);
	assert_true(slice_is(line, "221 bye"));
	assert_int_equal(stream_line(&s, 512, &line), STREAM_EOF);
	assert_int_equal(stream_line(&s, 512, &line), STREAM_EOF);
	stream_printf(&s, "more\r\n");
	assert_int_equal(stream_flush(&s), STREAM_ERROR);
	end();
}

static void
renegotiation_is_declined(void **state)
{
	struct slice	 line;
	enum stream_status	 st;

	(void)state;
	connect_to(RENEGOTIATE);
	assert_string_equal(info.version, "TLSv1.2");
	stream_printf(&s, "NOOP\r\n");
	st = stream_line(&s, 512, &line);
	/* The server may go on or not; the client does not renegotiate. */
	assert_true(st == STREAM_OK || st == STREAM_EOF || st == STREAM_ERROR);
	end();
}

static void
keys_change_on_the_way(void **state)
{
	struct slice	 line;
	int		 i;

	(void)state;
	connect_to(KEY_UPDATES);
	/* Several records lie there at once, the last of them with lines. */
	usleep(300 * 1000);
	for (i = 0; i < 3; i++) {
		assert_int_equal(stream_line(&s, 512, &line), STREAM_OK);
		assert_true(slice_is(line, "250 x"));
	}
	stream_printf(&s, "still there\r\n");
	assert_int_equal(stream_line(&s, 512, &line), STREAM_OK);
	assert_true(slice_is(line, "still there"));
	end();
}

static void
deadlines_hold_inside_tls(void **state)
{
	static char	 data[1 << 20];
	struct slice	 line;
	int64_t		 start;

	(void)state;
	connect_to(TICKETS);
	start = io_monotonic_ms();
	assert_int_equal(stream_line(&s, 512, &line), STREAM_TIMEOUT);
	assert_true(io_monotonic_ms() - start < 15000);
	end();

	connect_to(SLOW_RECORD);
	start = io_monotonic_ms();
	assert_int_equal(stream_line(&s, 512, &line), STREAM_TIMEOUT);
	assert_in_range(io_monotonic_ms() - start, 1900, 15000);
	end();

	connect_to(DEAF);
	start = io_monotonic_ms();
	stream_put(&s, data, sizeof(data));
	assert_int_equal(stream_flush(&s), STREAM_ERROR);
	assert_true(io_monotonic_ms() - start < 15000);
	start = io_monotonic_ms();
	end();
	assert_true(io_monotonic_ms() - start < 15000);
}

/* Tickets lie on the wire, but they are nothing to read. */
static void
readable_means_a_line(void **state)
{
	struct slice	 line;

	(void)state;
	connect_to(ONE_TICKET);
	assert_false(stream_readable(&s, 0));
	assert_false(stream_readable(&s, 20));
	assert_true(stream_readable(&s, 10000));
	assert_int_equal(stream_line(&s, 512, &line), STREAM_OK);
	assert_true(slice_is(line, "421 idle"));
	server_stop(server);
	assert_true(stream_readable(&s, 10000));
	assert_int_equal(stream_line(&s, 512, &line), STREAM_EOF);
	end();
}

static void
both_sides_see_the_same_channel(void **state)
{
	unsigned char	 out[TLS_BINDING];
	struct slice	 theirs;

	(void)state;
	connect_to(BINDINGS);
	assert_int_equal(stream_peek(&s, &theirs), STREAM_OK);
	assert_int_equal(theirs.len, 192);
	assert_int_equal(tls_binding(&s, TLS_EXPORTER, out), 32);
	assert_memory_equal(out, theirs.ptr, 32);
	assert_int_equal(tls_binding(&s, TLS_UNIQUE, out), 0);
	assert_int_equal(tls_binding(&s, TLS_END_POINT, out),
	    32);
	assert_memory_equal(out, theirs.ptr + 128, 32);
	end();
	assert_int_equal(tls_binding(&s, TLS_EXPORTER, out), 0);

	connect_to(TLS12);
	assert_string_equal(info.version, "TLSv1.2");
	assert_int_equal(tls_binding(&s, TLS_EXPORTER, out), 0);
	assert_int_equal(tls_binding(&s, TLS_UNIQUE, out), 12);
	end();

	/* Triple handshakes: RFC 7627 1. */
	connect_to(TLS12_NO_EMS);
	assert_int_equal(tls_binding(&s, TLS_UNIQUE, out), 0);
	end();
}

static int
wait_in_reads(void **state)
{
	(void)state;
	blocks = true;
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(much_goes_both_ways),
		cmocka_unit_test(an_end_without_notice_is_an_end),
		cmocka_unit_test(renegotiation_is_declined),
		cmocka_unit_test(keys_change_on_the_way),
		cmocka_unit_test(deadlines_hold_inside_tls),
		cmocka_unit_test(readable_means_a_line),
		cmocka_unit_test(both_sides_see_the_same_channel),
		/* And from here on: */
		cmocka_unit_test_setup(much_goes_both_ways, wait_in_reads),
		cmocka_unit_test(an_end_without_notice_is_an_end),
		cmocka_unit_test(renegotiation_is_declined),
		cmocka_unit_test(keys_change_on_the_way),
		cmocka_unit_test(deadlines_hold_inside_tls),
		cmocka_unit_test(readable_means_a_line),
	};

	return cmocka_run_group_tests(tests, box_setup,
	    box_teardown);
}
