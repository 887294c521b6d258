/* Envelopes: what is written comes back; nothing else is taken. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/xmalloc.h"
#include "lib/store/envelope.h"
#include "tests/unit/tmpdir.h"

#define START	"merpati 1\nblock 4096\nsize 10\nhead 0\n"
#define HEAD	START "arrived 1763740000.123456\nfrom a@b\n"
#define ONE	"rcpts 1\nrcpt c@d\n"

/* Parse text padded to a block. */
static enum envelope_status
parse(const char *text, struct envelope *env, const char **why)
{
	char	 block[ENVELOPE_BLOCK];

	memset(block, '\n', sizeof(block));
	assert_true(strlen(text) <= sizeof(block));
	memcpy(block, text, strlen(text));
	return envelope_parse((struct slice){ block, sizeof(block) }, env,
	    why);
}

static void
fill(struct envelope *env)
{
	envelope_init(env);
	env->block = 4096;
	env->head = 0;
	env->size = 10;
	env->arrived = INT64_C(1763740000000007);
	env->from = xstrdup("alice@example.org");
	envelope_add_rcpt(env, "bob@example.org", NULL, 0);
}

static void
an_envelope_comes_back_as_it_went_in(void **state)
{
	static const char	 want[] = "merpati 1\nblock 4096\nsize 12345\n"
	    "head 0\narrived 1763740000.123456\nfrom \n"
	    "client-ip 192.0.2.1\nclient-helo a+20+2B+3Db\n"
	    "client-name caf\xc3\xa9.example\nauth x+FF\nuid 0\n"
	    "flags 8bit dots longline utf8 binary bounce bare\nret HDRS\n"
	    "envid QQ314159\nrcpts 2\n"
	    "rcpt \"b+20b\"@example.org notify=SUCCESS,FAILURE,DELAY "
	    "orcpt=rfc822;info@example.org\nrcpt c@d notify=NEVER\nend\n";
	struct envelope	 env, out;
	struct buf	 b;
	const char	*why = NULL;

	(void)state;
	envelope_init(&env);
	env.block = 4096;
	env.size = 12345;
	env.arrived = INT64_C(1763740000123456);
	env.from = xstrdup("");
	env.client_ip = xstrdup("192.0.2.1");
	env.client_helo = xstrdup("a +=b");
	env.client_name = xstrdup("caf\xc3\xa9.example");
	env.auth = xstrdup("x\xff");
	env.uid = 0;
	env.flags = 127;
	env.ret = RET_HDRS;
	env.envid = xstrdup("QQ314159");
	envelope_add_rcpt(&env, "\"b b\"@example.org",
	    "rfc822;info@example.org",
	    NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY);
	envelope_add_rcpt(&env, "c@d", "", NOTIFY_NEVER);
	buf_init(&b, ENVELOPE_MAX);
	assert_int_equal(envelope_format(&env, &b), 0);
	assert_string_equal(buf_cstr(&b), want);

	assert_int_equal(parse(buf_cstr(&b), &out, &why), ENVELOPE_OK);
	assert_null(why);
	assert_int_equal(out.size, 12345);
	assert_true(out.arrived == env.arrived);
	assert_string_equal(out.from, "");
	assert_string_equal(out.client_helo, "a +=b");
	assert_string_equal(out.client_name, env.client_name);
	assert_string_equal(out.auth, "x\xff");
	assert_int_equal(out.uid, 0);
	assert_int_equal(out.flags, 127);
	assert_int_equal(out.ret, RET_HDRS);
	assert_int_equal(out.nrcpts, 2);
	assert_string_equal(out.rcpts[0].address, "\"b b\"@example.org");
	assert_string_equal(out.rcpts[0].orcpt, "rfc822;info@example.org");
	assert_int_equal(out.rcpts[0].notify, 14);
	assert_null(out.rcpts[1].orcpt);
	assert_int_equal(out.rcpts[1].notify, NOTIFY_NEVER);
	envelope_free(&env);
	envelope_free(&out);
	buf_free(&b);
}

static void
ten_thousand_recipients_need_a_larger_block(void **state)
{
	struct envelope	 env, out;
	struct buf	 b;
	char		 name[64];
	uint32_t	 block;
	size_t		 i;

	(void)state;
	fill(&env);
	for (i = 1; i < 10000; i++) {
		snprintf(name, sizeof(name), "user%zu@example.org", i);
		envelope_add_rcpt(&env, name, NULL, 0);
	}
	block = envelope_block_for(&env, 700);
	assert_int_equal(block % ENVELOPE_BLOCK, 0);
	env.block = block;
	buf_init(&b, ENVELOPE_MAX);
	assert_int_equal(envelope_format(&env, &b), 0);
	assert_true(b.len + 700 <= block && b.len + 700 > block - 4096 - 64);
	memset(buf_reserve(&b, block - b.len), '\n', block - b.len);
	b.len = block;
	assert_int_equal(envelope_parse(buf_slice(&b), &out, NULL),
	    ENVELOPE_OK);
	assert_int_equal(out.nrcpts, 10000);
	assert_string_equal(out.rcpts[9999].address, "user9999@example.org");
	envelope_free(&env);
	envelope_free(&out);
	buf_free(&b);
}

static void
what_would_forge_a_line_is_not_written(void **state)
{
	static const struct { const char *from, *rcpt; int notify, err; } t[] = {
		{ "a\nend", "c@d", 0, EINVAL },
		{ "a\r", "c@d", 0, EINVAL },
		{ "a\x7f", "c@d", 0, EINVAL },
		{ "a\t", "c@d", 0, EINVAL },
		{ "a", "c\n", 0, EINVAL },
		{ "a", "", 0, EINVAL },
		{ "a", "c@d", NOTIFY_NEVER | NOTIFY_DELAY, EINVAL },
		{ "a", "c@d", 16, EINVAL },
	};
	struct envelope	 env;
	struct buf	 b;
	char		*big;
	size_t		 i;

	(void)state;
	buf_init(&b, ENVELOPE_MAX);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		envelope_init(&env);
		env.from = xstrdup(t[i].from);
		envelope_add_rcpt(&env, t[i].rcpt, NULL, t[i].notify);
		assert_int_equal(envelope_format(&env, &b), -1);
		assert_int_equal(errno, t[i].err);
		assert_int_equal(envelope_block_for(&env, 0), 0);
		envelope_free(&env);
	}
	fill(&env);
	big = xcalloc(1, ENVELOPE_VALUE_MAX + 2);
	memset(big, 'x', ENVELOPE_VALUE_MAX + 1);
	env.client_helo = big;
	assert_int_equal(envelope_format(&env, &b), -1);
	assert_int_equal(errno, EMSGSIZE);
	big[ENVELOPE_VALUE_MAX] = '\0';
	assert_int_equal(envelope_format(&env, &b), 0);
	envelope_free(&env);
	fill(&env);
	free(env.from);
	env.from = NULL;
	assert_int_equal(envelope_format(&env, &b), -1);
	envelope_free(&env);
	buf_free(&b);
}

static void
anything_else_is_refused(void **state)
{
	static const struct {
		const char *text; enum envelope_status status;
	} t[] = {
		{ HEAD ONE "end\n", ENVELOPE_OK },
		{ HEAD "rcpts 1\nrcpt a notify=DELAY orcpt=x;y\nend\n",
		    ENVELOPE_OK },
		{ "", ENVELOPE_CORRUPT },
		{ "hello\n", ENVELOPE_CORRUPT },
		{ "merpati 2\nblock 4096\n", ENVELOPE_CORRUPT },
		{ "merpati 0\nblock 4096\n", ENVELOPE_CORRUPT },
		{ "merpati 1\nblock 4095\n", ENVELOPE_CORRUPT },
		{ "merpati 1\nblock 0\n", ENVELOPE_CORRUPT },
		{ "merpati 1\nblock 8192\n", ENVELOPE_PARTIAL },
		{ "merpati 1\nblock 67112960\n", ENVELOPE_CORRUPT },
		{ "merpati 1\nblock 4096\nsize -1\n", ENVELOPE_CORRUPT },
		{ "merpati 1\nblock 4096\nsize 9223372036854775807\n",
		    ENVELOPE_CORRUPT },
		{ "merpati 1\nblock 4096\nhead 0\nsize 1\n", ENVELOPE_CORRUPT },
		{ START "from a\n", ENVELOPE_CORRUPT },
		{ START "arrived 1\nfrom a\n" ONE "end\n", ENVELOPE_CORRUPT },
		{ START "arrived 1.5\nfrom a\n" ONE "end\n", ENVELOPE_CORRUPT },
		{ START "arrived 99999999999.000000\nfrom a\n" ONE "end\n",
		    ENVELOPE_CORRUPT },
		{ START "arrived 1.000000\nfrom\n" ONE "end\n",
		    ENVELOPE_CORRUPT },
		{ HEAD "end\n", ENVELOPE_CORRUPT },
		{ HEAD "rcpts 0\nend\n", ENVELOPE_CORRUPT },
		{ HEAD "rcpts 2\nrcpt a\nend\n", ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a\nrcpt b\nend\n", ENVELOPE_CORRUPT },
		{ HEAD "rcpts 100001\nrcpt a\nend\n", ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt \nend\n", ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a \nend\n", ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a  notify=DELAY\nend\n",
		    ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a b\nend\n", ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a=b\nend\n", ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a+0Ab\nend\n", ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a+00\nend\n", ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a+4\nend\n", ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a\r\nend\n", ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a notify=\nend\n", ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a notify=NEVER,DELAY\nend\n",
		    ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a notify=DELAY,DELAY\nend\n",
		    ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a notify=DELAY,\nend\n",
		    ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a notify=delay\nend\n",
		    ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a orcpt=x notify=DELAY\nend\n",
		    ENVELOPE_CORRUPT },
		{ HEAD "rcpts 1\nrcpt a orcpt=\nend\n", ENVELOPE_CORRUPT },
		{ HEAD "flags\n" ONE "end\n", ENVELOPE_CORRUPT },
		{ HEAD "flags \n" ONE "end\n", ENVELOPE_CORRUPT },
		{ HEAD "flags 7bit\n" ONE "end\n", ENVELOPE_CORRUPT },
		{ HEAD "flags 8bit 8bit\n" ONE "end\n", ENVELOPE_CORRUPT },
		{ HEAD "flags 8bit \n" ONE "end\n", ENVELOPE_CORRUPT },
		{ HEAD "ret hdrs\n" ONE "end\n", ENVELOPE_CORRUPT },
		{ HEAD "uid 4294967295\n" ONE "end\n", ENVELOPE_CORRUPT },
		{ HEAD "uid 1\nuid 1\n" ONE "end\n", ENVELOPE_CORRUPT },
		{ HEAD "auth a\nclient-ip 1\n" ONE "end\n", ENVELOPE_CORRUPT },
		{ HEAD "envid \n" ONE "end\n", ENVELOPE_CORRUPT },
		{ HEAD "colour red\n" ONE "end\n", ENVELOPE_CORRUPT },
		{ HEAD ONE "end\nrcpt evil\n", ENVELOPE_CORRUPT },
		{ HEAD ONE "END\n", ENVELOPE_CORRUPT },
		{ HEAD ONE, ENVELOPE_CORRUPT },
	};
	struct envelope	 env;
	const char	*why;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		why = NULL;
		if (parse(t[i].text, &env, &why) != t[i].status)
			fail_msg("case %zu: %s", i, t[i].text);
		assert_true((why == NULL) == (t[i].status == ENVELOPE_OK));
		if (t[i].status != ENVELOPE_OK)
			assert_null(env.rcpts);
		envelope_free(&env);
	}
}

static void
every_shorter_block_is_partial_or_corrupt_and_never_whole(void **state)
{
	const char	 text[] = HEAD ONE "end\n";
	char		 block[ENVELOPE_BLOCK];
	struct envelope	 env;
	size_t		 i;

	(void)state;
	memset(block, '\n', sizeof(block));
	memcpy(block, text, strlen(text));
	for (i = 0; i < sizeof(block); i++)
		assert_int_equal(envelope_parse((struct slice){ block, i },
		    &env, NULL), ENVELOPE_PARTIAL);
	/* Blocks a crash left as zeroes, from any octet on. */
	for (i = sizeof(block); i-- > 0;) {
		block[i] = '\0';
		assert_int_not_equal(envelope_parse((struct slice){ block,
		    sizeof(block) }, &env, NULL), ENVELOPE_OK);
	}
	assert_int_equal(envelope_parse((struct slice){ block,
	    sizeof(block) }, &env, NULL), ENVELOPE_PARTIAL);
}

static void
head_lines_end_the_block(void **state)
{
	static const struct { const char *head; int n; int status; } t[] = {
		{ "X: y\r\n", 6, ENVELOPE_OK },
		{ "X: y\n\n", 6, ENVELOPE_CORRUPT },
		{ "aX: y\r\n", 6, ENVELOPE_CORRUPT },
		{ "\n", 1, ENVELOPE_CORRUPT },
		{ "\r\n", 4097, ENVELOPE_CORRUPT },
		{ "\r\n", 4090, ENVELOPE_CORRUPT },
	};
	char		 block[ENVELOPE_BLOCK];
	struct envelope	 env;
	size_t		 i, len;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(block, '\n', sizeof(block));
		len = (size_t)snprintf(block, sizeof(block), "merpati 1\n"
		    "block 4096\nsize 0\nhead %d\narrived 1.000000\nfrom \n"
		    ONE "end\n", t[i].n);
		block[len] = '\n';
		len = strlen(t[i].head);
		memcpy(block + sizeof(block) - len, t[i].head, len);
		assert_int_equal(envelope_parse((struct slice){ block,
		    sizeof(block) }, &env, NULL), t[i].status);
		envelope_free(&env);
	}
}

static void
a_file_is_whole_by_its_size(void **state)
{
	static const struct { size_t size; int status; } t[] = {
		{ 4106, ENVELOPE_OK }, { 4105, ENVELOPE_PARTIAL },
		{ 4107, ENVELOPE_CORRUPT }, { 4096, ENVELOPE_PARTIAL },
		{ 4095, ENVELOPE_PARTIAL }, { 40, ENVELOPE_PARTIAL },
		{ 0, ENVELOPE_PARTIAL },
	};
	const char	 text[] = HEAD ONE "end\n";
	char		 file[4200];
	struct envelope	 env;
	const char	*why;
	size_t		 i;
	int		 fd;

	(void)state;
	memset(file, '\n', sizeof(file));
	memcpy(file, text, strlen(text));
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		tmpdir_write("f", file, t[i].size);
		fd = open(tmpdir_file("f"), O_RDONLY);
		assert_int_equal(envelope_read(fd, &env, &why), t[i].status);
		envelope_free(&env);
		close(fd);
	}
	/* A block that the file does not hold is not allocated. */
	tmpdir_write("f", "merpati 1\nblock 67108864\n", 25);
	fd = open(tmpdir_file("f"), O_RDONLY);
	assert_int_equal(envelope_read(fd, &env, &why), ENVELOPE_PARTIAL);
	close(fd);
	fd = open(tmpdir_path, O_RDONLY);
	assert_int_equal(envelope_read(fd, &env, NULL), ENVELOPE_CORRUPT);
	close(fd);
	assert_int_equal(envelope_read(-1, &env, NULL), ENVELOPE_ERROR);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(an_envelope_comes_back_as_it_went_in),
		cmocka_unit_test(ten_thousand_recipients_need_a_larger_block),
		cmocka_unit_test(what_would_forge_a_line_is_not_written),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(
		    every_shorter_block_is_partial_or_corrupt_and_never_whole),
		cmocka_unit_test(head_lines_end_the_block),
		cmocka_unit_test_setup_teardown(a_file_is_whole_by_its_size,
		    tmpdir_setup, tmpdir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
