/*
 * Packets to and from tokend: the first octet chooses the side, the rest are
 * the fields.  What is taken must encode and decode to the same again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/net/proto_token.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ipc_msg	 m;

/* The encoder's packet as the decoder meets it: behind its first line. */
static void
rewind_msg(void)
{
	assert(!m.bad);
	m.pos = (size_t)((char *)memchr(m.data, '\n', m.len) - m.data) + 1;
}

static void
ask(void)
{
	char	 token[TOKEN_MAX + 1], again[TOKEN_MAX + 1];

	if (proto_token_get_ask(&m, token) == -1)
		return;
	proto_token_put_ask(&m, 2, token);
	rewind_msg();
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
	rewind_msg();
	assert(proto_token_get_answer(&m, &again) == 0);
	assert(a.status == again.status && a.seconds == again.seconds &&
	    strcmp(a.user, again.user) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	ipc_start(&m, "token", 1);
	m.pos = m.len;
	if (size - 1 > IPC_MAX - m.len ||
	    memchr(data + 1, '\0', size - 1) != NULL)
		return 0;
	memcpy(m.data + m.len, data + 1, size - 1);
	m.len += size - 1;
	m.data[m.len] = '\0';
	if (data[0] % 2 == 0)
		ask();
	else
		answer();
	return 0;
}
