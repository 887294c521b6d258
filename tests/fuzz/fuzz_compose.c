/* A message from a program, through input, compose and qualify. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "deliver/compose.h"
#include "deliver/input.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct compose	 c = { .hostname = "mx.test", .sender = "a@mx.test",
	    .name = "J\xc3\xb6, A", .unique = "u", .now = 1,
	    .recipients = true, .complete = true };
	struct input	 in;
	char		 err[COMPOSE_ERROR_MAX];
	size_t		 i;

	input_init(&in, len > 0 && (data[0] & 1), 1 << 20);
	if (input_add(&in, (const char *)data, len) == 0 &&
	    input_end(&in) == 0) {
		/* Every LF has its CR and the other way round. */
		for (i = 0; i < in.text.len; i++)
			assert(in.text.ptr[i] == '\n' ?
			    i > 0 && in.text.ptr[i - 1] == '\r' :
			    in.text.ptr[i] != '\r' ||
			    in.text.ptr[i + 1] == '\n');
		if (compose_message(&c, buf_slice(&in.text), err) == 0)
			assert(c.head.len >= 4 && memcmp(c.head.ptr +
			    c.head.len - 4, "\r\n\r\n", 4) == 0);
		else
			assert(err[0] != '\0');
	}
	compose_free(&c);
	input_free(&in);
	return 0;
}
