/*
 * Packets to and from keyd: the first octet chooses the verb, the rest are the
 * fields.  What is taken must encode and decode to the same again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/net/proto_fields.h"
#include "lib/net/proto_key.h"
#include "tests/fuzz/fields.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct key_signature	 sig, sig2;

static void
sign(void)
{
	struct key_sign	 a, b;

	if (proto_key_get_sign(&m, &a) == -1)
		return;
	assert(a.len == 32 || a.len == 48 || a.len == 64);
	assert(strlen(a.key) == KEY_ID_MAX);
	proto_key_put_sign(&m, 2, &a);
	fields_again();
	assert(proto_key_get_sign(&m, &b) == 0);
	assert(memcmp(&a, &b, sizeof(a)) == 0);
}

static void
signature(void)
{
	if (proto_key_get_signed(&m, &sig) == -1)
		return;
	assert(sig.ok == (sig.len > 0) && sig.len <= sizeof(sig.data));
	proto_key_put_signed(&m, 2, &sig);
	fields_again();
	assert(proto_key_get_signed(&m, &sig2) == 0);
	assert(memcmp(&sig, &sig2, sizeof(sig)) == 0);
}

static void
ticket(void)
{
	unsigned char	 a[KEY_TICKET_NAME], b[KEY_TICKET_NAME];
	bool		 named, again;

	if (proto_key_get_ticket(&m, &named, a) == -1)
		return;
	proto_key_put_ticket(&m, 2, named ? a : NULL);
	fields_again();
	assert(proto_key_get_ticket(&m, &again, b) == 0);
	assert(named == again && memcmp(a, b, sizeof(a)) == 0);
}

static void
ticket_key(void)
{
	struct key_ticket	 a, b;

	if (proto_key_get_ticket_key(&m, &a) == -1)
		return;
	assert(a.fresh <= a.left && a.left <= KEY_TICKET_LIFE_MAX);
	proto_key_put_ticket_key(&m, 2, &a);
	fields_again();
	assert(proto_key_get_ticket_key(&m, &b) == 0);
	assert(memcmp(&a, &b, sizeof(a)) == 0);
}

static void
done(void)
{
	char	 error[PROTO_ERROR_MAX];
	bool	 ok;

	if (proto_get_done(&m, &ok, error, sizeof(error)) == 0)
		assert(strlen(error) < sizeof(error));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		const char	*verb;
		void		(*fn)(void);
	}			 kinds[] = {
		{ "sign", sign }, { "signed", signature },
		{ "ticket", ticket }, { "ticket-key", ticket_key },
		{ "error", done },
	};
	size_t			 k;

	if (size < 1)
		return 0;
	k = data[0] % (sizeof(kinds) / sizeof(kinds[0]));
	if (!fields_begin(kinds[k].verb, data + 1, size - 1))
		return 0;
	kinds[k].fn();
	return 0;
}
