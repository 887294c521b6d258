/* The first octet chooses the configuration, the rest is a server's answer. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/text.h"
#include "tokend/claims.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char		 claim[] = "username", scope[] = "a b";
	struct config_oauth	 conf = { .user_claim = claim, .cache = 60 };
	struct token_answer	 a;
	const char		*why;
	size_t			 i;

	if (size < 1)
		return 0;
	if (data[0] % 2 == 1)
		conf.scope = scope;
	claims_judge(&conf, (struct slice){ (const char *)data + 1,
	    size - 1 }, 1763740000, &a, &why);
	assert((a.status == TOKEN_ACTIVE) == (why == NULL));
	assert((a.status == TOKEN_ACTIVE) == (a.user[0] != '\0'));
	assert(a.seconds <= 60 && text_is_utf8(slice_str(a.user)));
	for (i = 0; a.user[i] != '\0'; i++)
		assert(!text_is_control(a.user[i]));
	return 0;
}
