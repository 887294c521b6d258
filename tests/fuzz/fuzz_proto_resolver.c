/*
 * Packets to and from resolver: the first octet chooses the verb, the rest are
 * the fields.  What is taken must encode and decode to the same again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/net/proto_resolver.h"
#include "tests/fuzz/fields.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct resolver_route	 r, again;
static struct resolver_texts	 t;

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char	*const verbs[] = { "route", "hosts", "texts" };
	char			 name[RESOLVER_NAME_MAX];
	size_t			 n;

	if (size < 1 || !fields_begin(verbs[data[0] % 3], data + 1, size - 1))
		return 0;
	switch (data[0] % 3) {
	case 0:
		proto_resolver_get_ask(&m, name, sizeof(name));
		break;
	case 1:
		if (proto_resolver_get_route(&m, &r) == -1)
			break;
		proto_resolver_put_route(&m, 2, &r);
		fields_again();
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
		fields_again();
		assert(proto_resolver_get_texts(&m, &t) == 0);
		assert(t.n <= n);
		resolver_texts_free(&t);
		break;
	}
	return 0;
}
