/* A job or a result from the other side: any octets. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/net/proto_deliver.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct ipc_msg		 m;
	static struct deliver_job	 j;
	static struct deliver_result	 r;
	int				 fds[2];

	if (len > IPC_MAX || ipc_pair(fds) == -1)
		return 0;
	if (send(fds[0], data, len, MSG_DONTWAIT | MSG_NOSIGNAL) != -1 &&
	    ipc_recv(fds[1], &m, 0) == 1) {
		if (strcmp(m.verb, "job") == 0) {
			if (proto_deliver_get_job(&m, &j) == 0)
				close(j.fd);
		} else
			(void)proto_deliver_get_result(&m, &r);
	}
	close(fds[0]);
	close(fds[1]);
	return 0;
}
