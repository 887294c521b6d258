/* As fuzz_proto_token: the first octet chooses the side of pamd's packets. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/net/proto_pam.h"
#include "tests/fuzz/fields.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ask(void)
{
	static struct pam_question	 q, again;

	if (proto_pam_get_ask(&m, &q) == -1)
		return;
	proto_pam_put_ask(&m, 2, &q);
	fields_again();
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
	fields_again();
	assert(proto_pam_get_answer(&m, &again) == 0 && again == v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || !fields_begin("password", data + 1, size - 1))
		return 0;
	if (data[0] % 2 == 0)
		ask();
	else
		answer();
	return 0;
}
