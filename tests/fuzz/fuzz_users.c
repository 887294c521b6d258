/* The users file: any octets give a table, never harm. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/config.h"
#include "lib/store/secret.h"
#include "lib/store/users.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char		 domain[] = "example.org", home[] = "/mail/%d/%n";
static char		*domains[] = { domain };
static struct config	 conf = {
	.hostname = domain,
	.domains = { domains, 1 },
	.mail_home = home,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct users_ids	 ids = { true, 1, 1 };
	struct users		*us;
	const struct user	*u;
	struct scram_keys	 keys;
	uint32_t		 iterations;
	size_t			 len;
	struct buf		 err;

	buf_init(&err, 4096);
	us = users_parse("users", (const char *)data, size, &conf, &ids,
	    &err);
	(void)users_all(us, &len);
	assert(users_count(us) <= len);
	assert(users_count(us) == len || err.len > 0);
	u = users_find(us, "a@example.org");
	if (u != NULL) {
		(void)user_scram(u, SCRAM_SHA_256, &keys);
		(void)user_has_sender(u, "b", "example.org");
	}
	(void)users_typical_scram(us, SCRAM_SHA_1, &iterations, &len);
	(void)users_has_uid(us, 1);
	if (users_typical(us) != NULL)
		(void)secret_class(users_typical(us));
	users_free(us);
	buf_free(&err);
	return 0;
}
