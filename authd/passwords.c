/*
 * Passwords: first those of apps, which one SHA-256 each shows, then
 * the user's own, remembered or by a helper.  Contract in check_parts.h.
 */
#include <string.h>

#include "authd/app_log.h"
#include "authd/cache.h"
#include "authd/check_parts.h"
#include "authd/delay.h"
#include "authd/hashers.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/store/app_passwords.h"
#include "lib/store/secret.h"

/* Has any of the user's app passwords fitted?  Then the check is over. */
static bool
password_is_app(struct check *k, const struct user *u)
{
	const struct auth_check		*c = &k->s.check;
	const struct app_password	*app, *fits = NULL;
	size_t				 i, n;

	app = app_passwords_of(k->a->tables.apps, u->name, &n);
	for (i = 0; i < n; i++)
		if (app_password_fits(app[i].hash, c->secret))
			fits = &app[i];
	if (fits == NULL)
		return false;
	k->how = "app-password";
	k->app = xstrdup(fits->name);
	if (!app_password_serves(fits, c->service)) {
		check_wrong(k, "service");
		return true;
	}
	app_log_note(k->a->app_log, u->name, fits->name, c->service, c->ip);
	check_right(k, u);
	return true;
}

static void
password_hashed(struct ipc_msg *answer, void *arg)
{
	enum hash_result	 result = hashers_result(answer, NULL);
	struct check		*k = arg;
	struct auth_check	*c = &k->s.check;
	const struct user	*u = check_user(k, c->user);

	if (result == HASH_FAILED) {
		check_later(k, "hasher");
		return;
	}
	/* The tables may be others than those when it began. */
	if (!k->known || u == NULL || result != HASH_FITS) {
		check_wrong(k, !k->known || u == NULL ? "unknown" :
		    "password");
		return;
	}
	if (strcmp(u->secret, k->secret) != 0) {
		check_later(k, "changed");
		return;
	}
	cache_add(k->a->cache, u->name, u->secret, c->secret,
	    io_monotonic_ms());
	check_right(k, u);
}

void
password_check(struct check *k)
{
	struct authd		*a = k->a;
	struct auth_check	*c = &k->s.check;
	const struct user	*u = check_user(k, c->user);
	const char		*secret;

	if (u != NULL && password_is_app(k, u))
		return;
	if (u != NULL && u->account) {
		account_check(k, u);
		return;
	}
	k->known = u != NULL && u->secret[0] != '\0';
	if (k->known && cache_has(a->cache, u->name, u->secret, c->secret,
	    k->start)) {
		check_right(k, u);
		return;
	}
	/* Nobody's password is compared with somebody's: same time, no way
	 * in. */
	secret = k->known ? u->secret : users_typical(a->tables.users);
	if (secret == NULL)
		secret = secret_dummy();
	k->secret = xstrdup(secret);
	if (hashers_ask(a->hashers, k->secret, c->secret,
	    delay_suspect(a->delay, c->ip, k->start), password_hashed,
	    k) == -1)
		check_later(k, "busy");
}
