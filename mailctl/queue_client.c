/* Contract in queue_client.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "mailctl/mailctl.h"
#include "mailctl/queue_client.h"

int
queue_connect(const struct config *cfg)
{
	char	 path[512];

	if (snprintf(path, sizeof(path), "%s/queue/control.sock",
	    cfg->run_dir) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return ipc_connect(path);
}

int
queue_ask(int sock, const struct control_request *req, const char *verb,
    struct ipc_msg *ans)
{
	static uint64_t		 last_id;
	static struct ipc_msg	 msg;
	char			 text[CONTROL_TEXT_MAX];

	proto_control_put_request(&msg, ++last_id, req);
	if (ipc_call(sock, &msg, ans, CONTROL_TIMEOUT_MS) == -1) {
		/* It closes the door on those who may not ask. */
		if (errno == EPIPE || errno == ECONNRESET)
			return complain(EX_NOPERM, "queue-runner does not "
			    "answer you: only root and the group "
			    "merpati-admin may ask it");
		return complain(EX_TEMPFAIL, "queue-runner: %s",
		    strerror(errno));
	}
	if (strcmp(ans->verb, verb) == 0)
		return EX_OK;
	if (strcmp(ans->verb, "error") == 0 &&
	    proto_control_get_error(ans, text, sizeof(text)) == 0)
		return complain(EX_UNAVAILABLE, "%s", shown(text));
	ipc_drop(ans);
	return complain(EX_PROTOCOL, "queue-runner's answer makes no sense");
}
