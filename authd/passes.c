/* Contract in passes.h; pass_check()'s in check_parts.h. */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "authd/check_parts.h"
#include "authd/delay.h"
#include "authd/once.h"
#include "authd/passes.h"
#include "lib/base/ipc_server.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"

struct pass {
	uid_t		 uid;
	char		 service[16];
	const char	*how;		/* the proof */
	char		*user;		/* as of users.h */
};

void
pass_drop(void *arg)
{
	struct pass	*p = arg;

	free(p->user);
	free(p);
}

void
pass_new(const struct check *k, const struct user *u,
    char name[AUTH_PASS_LEN + 1])
{
	struct pass	*p = xcalloc(1, sizeof(*p));

	p->uid = ipc_client_uid(k->client);
	strlcpy(p->service, k->s.check.service, sizeof(p->service));
	p->how = k->how;
	p->user = xstrdup(u->name);
	once_put(k->a->passes, p, delay_client(k->a->delay, k->s.check.ip),
	    io_monotonic_ms(), name);
}

void
pass_check(struct check *k)
{
	const struct auth_check	*c = &k->s.check;
	const struct user	*u = check_user(k, c->user);
	const struct pass	*seen;

	k->how = "pass";
	seen = once_see(k->a->passes, c->secret, k->start);
	if (seen == NULL) {
		check_later(k, "pass");
		return;
	}
	if (seen->uid != ipc_client_uid(k->client) ||
	    strcmp(seen->service, c->service) != 0 || u == NULL ||
	    strcmp(seen->user, u->name) != 0) {
		check_wrong(k, "pass");
		return;
	}
	k->how = seen->how;
	pass_drop(once_take(k->a->passes, c->secret, k->start));
	check_right(k, u);
}
