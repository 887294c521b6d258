/* What comes to remote, and from it: any octets, perhaps with a file. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "lib/net/proto_remote.h"
#include "tests/fuzz/fields.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char	*const verbs[] = { "open", "job", "result" };
	static struct remote_open	 o;
	static struct remote_job	 j;
	static struct remote_result	 r;
	const char			*verb;

	if (len < 1)
		return 0;
	verb = verbs[data[0] % 3];
	if (!fields_begin(verb, data + 1, len - 1))
		return 0;
	if (data[0] & 0x80)
		m.fds[m.nfds++] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (strcmp(verb, "open") == 0) {
		if (proto_remote_get_open(&m, &o) == 0)
			proto_remote_open_free(&o);
	} else if (strcmp(verb, "job") == 0) {
		if (proto_remote_get_job(&m, &j) == 0)
			proto_remote_job_free(&j);
	} else
		(void)proto_remote_get_result(&m, &r);
	ipc_drop(&m);
	return 0;
}
