/* DNS answers: the first two octets are the type asked for. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "resolver/name.h"
#include "resolver/wire.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t	 types[] = { ns_t_a, ns_t_aaaa, ns_t_mx,
	    ns_t_ptr, ns_t_cname, ns_t_txt, ns_t_tlsa, ns_t_soa };
	struct dns_answer	 a;
	struct dns_record	 r;
	struct resolver_tlsa	 tlsa;
	struct buf		 b;
	char			 name[RESOLVER_NAME_MAX];
	uint16_t		 preference;
	int			 at = 0, n = 0;

	if (size < 1)
		return 0;
	wire_read(data + 1, size - 1, "a", types[data[0] % 8], &a);
	assert(memchr(a.name, '\0', sizeof(a.name)) != NULL);
	buf_init(&b, 1000);
	while (wire_next(&a, &at, &r)) {
		n++;
		if (wire_mx(&a, &r, &preference, name) ||
		    wire_name(&a, &r, name))
			(void)name_is_host(name);
		(void)wire_txt(&r, &b);
		(void)wire_tlsa(&r, &tlsa);
		(void)wire_address(&a, &r, name);
		buf_clear(&b);
	}
	assert((n > 0) == (a.status == DNS_OK));
	buf_free(&b);
	return 0;
}
