/* Contract in ipc_link.h. */
#include <errno.h>

#include "lib/base/io.h"
#include "lib/base/ipc.h"
#include "lib/base/ipc_link.h"

void
ipc_link_init(struct ipc_link *l, const char *path)
{
	l->path = path;
	l->sock = -1;
	l->last_id = 0;
}

void
ipc_link_close(struct ipc_link *l)
{
	io_close(l->sock);
	l->sock = -1;
}

uint64_t
ipc_link_id(struct ipc_link *l)
{
	return ++l->last_id;
}

int
ipc_link_ask(struct ipc_link *l, int timeout_ms, bool again)
{
	bool	 kept = l->sock != -1;

	for (;; kept = false) {
		if (l->sock == -1 && (l->sock = ipc_connect(l->path)) == -1)
			return -1;
		if (ipc_call(l->sock, &ipc_question, &ipc_answer,
		    timeout_ms) == 0)
			return 0;
		ipc_link_close(l);
		if (!kept || !again || errno == ETIMEDOUT ||
		    errno == EBADMSG)
			return -1;
	}
}

int
ipc_link_decoded(struct ipc_link *l, int result)
{
	if (result == -1)
		ipc_link_close(l);
	return result;
}
