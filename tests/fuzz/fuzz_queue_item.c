/* Lines of a listing, selectors, and the packets of the control socket. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/net/proto_control.h"
#include "lib/store/queue_list.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
packet(const uint8_t *data, size_t size)
{
	static struct ipc_msg		 m;
	static struct control_request	 r;
	static int			 fds[2] = { -1, -1 };

	if (fds[0] == -1 && ipc_pair(fds) == -1)
		abort();
	if (size == 0 || send(fds[0], data, size, 0) == -1)
		return;
	if (ipc_recv(fds[1], &m, 1000) != 1)
		return;
	if (proto_control_get_request(&m, &r) == 0)
		io_close(r.fd);
}

static void
destination(struct slice line)
{
	static struct queue_dest	 d, back;
	struct buf			 b;

	if (queue_dest_parse(line, &d) == -1)
		return;
	buf_init(&b, 65536);
	assert(queue_dest_format(&d, &b) == 0);
	line = buf_slice(&b);
	line.len--;
	assert(queue_dest_parse(line, &back) == 0);
	assert(strcmp(d.name, back.name) == 0 && d.next == back.next);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct queue_selector	 w;
	struct queue_item	 it, back;
	struct slice		 line = { (const char *)data, size };
	struct buf		 b;
	uint64_t		 n;
	char			*text;

	packet(data, size);
	(void)queue_item_end(line, &n);
	destination(line);
	text = strndup((const char *)data, size);
	if (text == NULL)
		abort();
	(void)queue_selector_parse(text, &w);
	free(text);
	if (queue_item_parse(line, &it) == -1)
		return 0;
	buf_init(&b, 65536);
	assert(queue_item_format(&it, &b) == 0);
	line = buf_slice(&b);
	line.len--;
	assert(queue_item_parse(line, &back) == 0);
	assert(strcmp(it.reason, back.reason) == 0);
	assert(strcmp(it.from, back.from) == 0 && it.size == back.size);
	buf_free(&b);
	return 0;
}
