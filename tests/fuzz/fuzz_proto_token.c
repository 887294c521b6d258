/*
 * Packets to and from tokend: the first octet chooses the side, the rest are
 * the fields.  What is taken must encode and decode to the same again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/net/proto_token.h"
#include "tests/fuzz/fields.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ask(void)
{
	char	 token[TOKEN_MAX + 1], again[TOKEN_MAX + 1];

	if (proto_token_get_ask(&m, token) == -1)
		return;
	proto_token_put_ask(&m, 2, token);
	fields_again();
	assert(proto_token_get_ask(&m, again) == 0);
	assert(strcmp(token, again) == 0);
}

static void
answer(void)
{
	struct token_answer	 a, again;

	if (proto_token_get_answer(&m, &a) == -1)
		return;
	proto_token_put_answer(&m, 2, &a);
	fields_again();
	assert(proto_token_get_answer(&m, &again) == 0);
	assert(a.status == again.status && a.seconds == again.seconds &&
	    strcmp(a.user, again.user) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || !fields_begin("token", data + 1, size - 1))
		return 0;
	if (data[0] % 2 == 0)
		ask();
	else
		answer();
	return 0;
}
