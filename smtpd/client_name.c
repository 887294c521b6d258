/* Contract in client_name.h. */
#include <string.h>

#include "lib/base/log.h"
#include "lib/mail/address.h"
#include "smtpd/client_name.h"

void
client_name(struct resolver_client *resolver, const char *address, char *out,
    size_t size)
{
	static struct resolver_texts	 t;
	struct slice			 name;

	out[0] = '\0';
	if (resolver_client_texts(resolver, "ptr", address, &t) == -1) {
		log_warn("event=resolver-unreachable path=%s",
		    log_esc(resolver->link.path));
		return;
	}
	if (t.status == RESOLVER_OK && t.n > 0) {
		name.ptr = t.text[0];
		name.len = t.len[0];
		/* Whoever owns the address writes what it is called. */
		if (name.len < size && address_is_domain(name, false)) {
			memcpy(out, name.ptr, name.len);
			out[name.len] = '\0';
		}
	}
	resolver_texts_free(&t);
}
