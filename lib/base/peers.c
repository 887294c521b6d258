/* Contract in peers.h. */
#include "lib/base/io.h"
#include "lib/base/peers.h"
#include "lib/base/privilege.h"

unsigned int
peers_who(struct peers *p, uid_t uid, gid_t gid)
{
	struct peers_known		*k = &p->known[uid % PEERS_KNOWN];
	const struct peers_service	*s;
	int64_t				 now = io_monotonic_ms();

	if (k->until > now && k->uid == uid && k->gid == gid)
		return k->who;
	*k = (struct peers_known){ .uid = uid, .gid = gid,
	    .until = now + PEERS_MS };
	if (privilege_is_admin(uid, gid))
		k->who = p->admin;
	for (s = p->services; s->user != NULL; s++)
		if (privilege_is_service(uid, s->user))
			k->who |= s->who;
	return k->who;
}
