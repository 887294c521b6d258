/* POP3 command lines, base 64. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/base64.h"
#include "lib/net/pop3.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct pop3_command	 cmd;
	struct slice		 in = { (const char *)data, len };
	struct buf		 raw;
	uint32_t		 arg[2];
	int			 n;

	pop3_parse(in, &cmd);
	n = pop3_numbers(&cmd, arg, 2);
	if (n < -1 || n > 2 || cmd.args.len > len)
		abort();
	buf_init(&raw, 4096);
	if (base64_decode(in, &raw) == 0 && raw.len > len / 4 * 3)
		abort();
	buf_free(&raw);
	return 0;
}
