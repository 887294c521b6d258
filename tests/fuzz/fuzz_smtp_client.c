/* A host's whole side of a conversation: any octets. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/net/smtp_client.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct smtp_client	 c;
	int			 fds[2], i;

	if (len > 65536 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == -1)
		return 0;
	if (send(fds[1], data, len, MSG_NOSIGNAL) == (ssize_t)len) {
		(void)shutdown(fds[1], SHUT_WR);
		smtp_client_start(&c, fds[0], 1000);
		if (smtp_client_reply(&c) == 0 &&
		    smtp_client_hello(&c, "EHLO", "me.test") == 0)
			for (i = 0; i < 20 && smtp_client_reply(&c) == 0; i++)
				assert(c.reply.code >= 200 &&
				    c.reply.code <= 599);
		assert(strlen(c.reply.text) < sizeof(c.reply.text));
		assert(strlen(c.features.auth) < sizeof(c.features.auth));
		smtp_client_finish(&c);
	}
	close(fds[0]);
	close(fds[1]);
	return 0;
}
