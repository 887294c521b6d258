/*
 * Packets to and from resolver: the first octet chooses the verb, the rest are
 * the fields.  What is taken must encode and decode to the same again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/net/proto_resolver.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ipc_msg		 m;
static struct resolver_route	 r, again;
static struct resolver_texts	 t;

/* The encoder's packet as the decoder meets it: behind its first line. */
static void
rewind_msg(void)
{
	assert(!m.bad);
	m.pos = (size_t)((char *)memchr(m.data, '\n', m.len) - m.data) + 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char	*const verbs[] = { "route", "hosts", "texts" };
	char			 name[RESOLVER_NAME_MAX];
	size_t			 n;

	if (size < 1)
		return 0;
	ipc_start(&m, verbs[data[0] % 3], 1);
	m.pos = m.len;
	if (size - 1 > IPC_MAX - m.len ||
	    memchr(data + 1, '\0', size - 1) != NULL)
		return 0;
	memcpy(m.data + m.len, data + 1, size - 1);
	m.len += size - 1;
	m.data[m.len] = '\0';
	switch (data[0] % 3) {
	case 0:
		proto_resolver_get_ask(&m, name, sizeof(name));
		break;
	case 1:
		if (proto_resolver_get_route(&m, &r) == -1)
			break;
		proto_resolver_put_route(&m, 2, &r);
		rewind_msg();
		assert(proto_resolver_get_route(&m, &again) == 0);
		assert(again.nhost == r.nhost && again.ttl == r.ttl);
		resolver_route_free(&again);
		resolver_route_free(&r);
		break;
	case 2:
		if (proto_resolver_get_texts(&m, &t) == -1)
			break;
		n = t.n;
		proto_resolver_put_texts(&m, 2, &t);
		resolver_texts_free(&t);
		rewind_msg();
		assert(proto_resolver_get_texts(&m, &t) == 0);
		assert(t.n <= n);
		resolver_texts_free(&t);
		break;
	}
	return 0;
}
