/* As fuzz_proto_token: the first octet chooses the side of pamd's packets. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/net/proto_pam.h"

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
	static struct pam_question	 q, again;

	if (proto_pam_get_ask(&m, &q) == -1)
		return;
	proto_pam_put_ask(&m, 2, &q);
	rewind_msg();
	assert(proto_pam_get_ask(&m, &again) == 0);
	assert(strcmp(q.user, again.user) == 0 &&
	    strcmp(q.password, again.password) == 0 &&
	    strcmp(q.ip, again.ip) == 0);
}

static void
answer(void)
{
	enum pam_verdict	 v, again;

	if (proto_pam_get_answer(&m, &v) == -1) {
		assert(v == PAM_VERDICT_LATER);
		return;
	}
	proto_pam_put_answer(&m, 2, v);
	rewind_msg();
	assert(proto_pam_get_answer(&m, &again) == 0 && again == v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	ipc_start(&m, "password", 1);
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
