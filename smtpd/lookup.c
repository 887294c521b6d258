/* Contract in lookup.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "smtpd/lookup.h"

void
lookup_init(struct lookup *l, const char *path)
{
	memset(l, 0, sizeof(*l));
	auth_client_init(&l->client, path);
}

static void
slot_clear(struct lookup_slot *slot)
{
	free(slot->address);
	free(slot->user);
	memset(slot, 0, sizeof(*slot));
}

void
lookup_free(struct lookup *l)
{
	size_t	 i;

	for (i = 0; i < LOOKUP_SLOTS; i++)
		slot_clear(&l->slots[i]);
	auth_client_close(&l->client);
}

/* Where the address would stand: each address has one place. */
static struct lookup_slot *
slot_for(struct lookup *l, const char *address)
{
	return &l->slots[hash_str(address) % LOOKUP_SLOTS];
}

static bool
is_positive(const struct auth_lookup *found)
{
	switch (found->kind) {
	case AUTH_USER:
		return !found->full;
	case AUTH_ALIAS:
	case AUTH_RELAY:
		return true;
	case AUTH_REMOTE:
	case AUTH_UNKNOWN:
	case AUTH_BROKEN:
	case AUTH_TEMP:
		return false;
	}
	return false;
}

int
lookup_address(struct lookup *l, const char *address, enum auth_kind *kind,
    bool *full, const char **user)
{
	static struct auth_lookup	 found;
	struct lookup_slot		*slot = slot_for(l, address);
	int64_t				 now = io_monotonic_ms();

	if (slot->address != NULL && now < slot->expires &&
	    strcmp(slot->address, address) == 0) {
		*kind = slot->kind;
		*full = false;
		*user = slot->user;
		return 0;
	}
	if (auth_client_lookup(&l->client, address, &found) == -1)
		return -1;
	*kind = found.kind;
	*full = found.kind == AUTH_USER && found.full;
	*user = found.kind == AUTH_USER ? found.user : "";
	if (is_positive(&found)) {
		slot_clear(slot);
		slot->address = xstrdup(address);
		slot->user = xstrdup(*user);
		slot->kind = found.kind;
		slot->expires = now + LOOKUP_MS;
	}
	return 0;
}
