/* Contract in submit.h. */
#include "authd/buckets.h"
#include "authd/lookup.h"
#include "authd/submit.h"
#include "lib/base/io.h"
#include "lib/base/log.h"

static enum auth_may
submit_refuse(const struct auth_submit *s, enum auth_may may,
    const char *reason)
{
	log_info("event=submit-refused user=%s sender=%s reason=%s",
	    log_esc(s->user), log_esc(s->sender), reason);
	return may;
}

enum auth_may
submit_may(struct authd *a, const struct auth_submit *s)
{
	const struct user	*u = lookup_login(&a->tables, s->user);

	if (u == NULL && a->tables.unsure)
		return submit_refuse(s, AUTH_MAY_LATER, "unsure");
	/* The user may be gone since the login. */
	if (u == NULL || u->locked || u->nologin)
		return submit_refuse(s, AUTH_MAY_NOT, "user");
	if (s->sender[0] != '\0' &&
	    !lookup_is_theirs(&a->tables, s->sender, u))
		return submit_refuse(s, AUTH_MAY_NOT, "sender");
	switch (buckets_take(a->buckets, u->name, s->count,
	    io_monotonic_ms())) {
	case BUCKETS_OK:
		break;
	case BUCKETS_MESSAGES:
		return submit_refuse(s, AUTH_MAY_LATER, "messages");
	case BUCKETS_RECIPIENTS:
		return submit_refuse(s, AUTH_MAY_LATER, "recipients");
	}
	return AUTH_MAY;
}
