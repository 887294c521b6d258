/* Contract in scram.h; scram_check()'s in check_parts.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "authd/check_parts.h"
#include "authd/delay.h"
#include "authd/derived.h"
#include "authd/hashers.h"
#include "authd/lookup.h"
#include "authd/once.h"
#include "authd/salts.h"
#include "authd/scram.h"
#include "lib/base/base64.h"
#include "lib/base/config.h"
#include "lib/base/io.h"
#include "lib/base/ipc_server.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/store/secret.h"

#define NONCE		18		/* octets of ours, 24 in base 64 */

struct exchange {
	uid_t			 uid;		/* who asked */
	char			 service[16];
	char			*user;		/* as it was given */
	char			*nonce;		/* the client's and ours */
	char			*message;	/* server-first-message */
	struct scram_keys	 shown;		/* without keys: hash, salt
						 * and iterations */
};

/* Where the keys of an exchange come from. */
enum source {
	SOURCE_KEYS,		/* the user's record */
	SOURCE_WORD,		/* {PLAIN}: to be computed */
	SOURCE_NONE		/* no such user, or none of these */
};

void
scram_drop(void *arg)
{
	struct exchange	*x = arg;

	free(x->user);
	free(x->nonce);
	free(x->message);
	free(x);
}

static enum source
scram_source(const struct user *u, enum scram_hash hash, struct scram_keys *k)
{
	if (u == NULL || u->locked)
		return SOURCE_NONE;
	if (user_scram(u, hash, k))
		return SOURCE_KEYS;
	return secret_word(u->secret) != NULL ? SOURCE_WORD : SOURCE_NONE;
}

/* A salt that is always this name's, and as many rounds as others have. */
static void
scram_invent(struct authd *a, const char *name, enum scram_hash hash,
    struct scram_keys *k)
{
	char	 full[2 * AUTH_USER_MAX + 2];

	memset(k, 0, sizeof(*k));
	k->hash = hash;
	if (!users_typical_scram(a->tables.users, hash, &k->iterations,
	    &k->salt_len) || k->salt_len > SCRAM_KEY_MAX) {
		k->iterations = a->conf->authd.scram_iterations;
		k->salt_len = SCRAM_SALT;
	}
	snprintf(full, sizeof(full), "%s%s%s", name,
	    strchr(name, '@') == NULL ? "@" : "",
	    strchr(name, '@') == NULL ? a->conf->hostname : "");
	salts_make(a->salts, scram_hash_name(hash), full, k->salt,
	    k->salt_len);
}

/* RFC 5802 7: printable, no comma. */
static bool
scram_nonce_ok(const char *nonce)
{
	const char	*p;

	for (p = nonce; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || *p == ',')
			return false;
	return p > nonce;
}

static struct exchange *
scram_exchange(struct authd *a, uid_t uid, const struct auth_scram *s)
{
	struct exchange	*x = xcalloc(1, sizeof(*x));
	enum scram_hash	 hash = scram_hash_named(s->hash);
	unsigned char	 random[NONCE];
	char		 ours[2 * NONCE], salt[SCRAM_SALT_BASE64];

	x->uid = uid;
	strlcpy(x->service, s->service, sizeof(x->service));
	x->user = xstrdup(s->user);
	if (scram_source(lookup_login(&a->tables, s->user), hash,
	    &x->shown) != SOURCE_KEYS)
		scram_invent(a, s->user, hash, &x->shown);
	explicit_bzero(x->shown.stored, sizeof(x->shown.stored));
	explicit_bzero(x->shown.server, sizeof(x->shown.server));
	arc4random_buf(random, sizeof(random));
	base64_print(random, sizeof(random), ours);
	xasprintf(&x->nonce, "%s%s", s->nonce, ours);
	scram_salt_print(&x->shown, salt);
	xasprintf(&x->message, "r=%s,s=%s,i=%lu", x->nonce, salt,
	    (unsigned long)x->shown.iterations);
	return x;
}

int
scram_begin(struct authd *a, struct ipc_client *client, uint64_t id,
    const struct auth_scram *s)
{
	static struct ipc_msg	 m;
	struct auth_scram_first	 first = { .later = false };
	struct exchange		*x;

	if (!check_service_known(s->service) || !scram_nonce_ok(s->nonce))
		return -1;
	x = scram_exchange(a, ipc_client_uid(client), s);
	strlcpy(first.message, x->message, sizeof(first.message));
	once_put(a->exchanges, x, delay_client(a->delay, s->ip),
	    io_monotonic_ms(), first.exchange);
	proto_auth_put_first(&m, id, &first);
	ipc_client_answer(client, &m);
	return 0;
}

/* Does the client's last message repeat the nonce?  RFC 5802 5.1 */
static bool
scram_nonce_repeated(const char *last, const char *nonce)
{
	const char	*r = strstr(last, ",r=");
	size_t		 len = strlen(nonce);

	return r != NULL && strncmp(r + 3, nonce, len) == 0 &&
	    (r[3 + len] == '\0' || r[3 + len] == ',');
}

static void
scram_judge(struct check *k, const struct user *u,
    const struct scram_keys *keys)
{
	if (scram_keys_prove(keys, k->message, k->s.check.secret,
	    k->signature))
		check_right(k, u);
	else
		check_wrong(k, "password");
}

static void
scram_derived(struct ipc_msg *answer, void *arg)
{
	struct check		*k = arg;
	const struct user	*u = check_user(k, k->s.check.user);
	struct scram_keys	 keys;

	if (hashers_result(answer, &keys) != HASH_FITS)
		check_later(k, "hasher");
	else if (u == NULL || strcmp(u->secret, k->secret) != 0)
		check_later(k, "changed");
	else {
		derived_put(k->a->derived, u->name, u->secret, &keys,
		    io_monotonic_ms());
		scram_judge(k, u, &keys);
	}
	explicit_bzero(&keys, sizeof(keys));
}

static void
scram_derive(struct check *k, const struct user *u, struct scram_keys *keys)
{
	struct authd	*a = k->a;

	if (derived_get(a->derived, u->name, u->secret, keys, k->start)) {
		scram_judge(k, u, keys);
		return;
	}
	k->secret = xstrdup(u->secret);
	if (hashers_derive(a->hashers, keys, secret_word(u->secret),
	    delay_suspect(a->delay, k->s.check.ip, k->start), scram_derived,
	    k) == -1)
		check_later(k, "busy");
}

static bool
scram_same(const struct scram_keys *a, const struct scram_keys *b)
{
	return a->iterations == b->iterations && a->salt_len == b->salt_len &&
	    memcmp(a->salt, b->salt, a->salt_len) == 0;
}

static void
scram_compare(struct check *k, const struct exchange *x)
{
	const struct user	*u = check_user(k, k->s.check.user);
	struct scram_keys	 keys;

	switch (scram_source(u, x->shown.hash, &keys)) {
	case SOURCE_KEYS:
		if (scram_same(&keys, &x->shown))
			scram_judge(k, u, &keys);
		else
			check_later(k, "changed");
		break;
	case SOURCE_WORD:
		keys = x->shown;
		scram_derive(k, u, &keys);
		break;
	case SOURCE_NONE:
		/* Right for nobody: no proof is made of these. */
		keys = x->shown;
		(void)scram_keys_prove(&keys, k->message, k->s.check.secret,
		    k->signature);
		explicit_bzero(k->signature, sizeof(k->signature));
		check_wrong(k, u == NULL ? "unknown" : "no-keys");
		break;
	}
	explicit_bzero(&keys, sizeof(keys));
}

void
scram_check(struct check *k)
{
	const struct auth_check	*c = &k->s.check;
	const struct exchange	*seen;
	struct exchange		*x;

	k->how = "scram";
	seen = once_see(k->a->exchanges, c->exchange, k->start);
	if (seen == NULL) {
		check_later(k, "exchange");
		return;
	}
	if (seen->uid != ipc_client_uid(k->client) ||
	    strcmp(seen->service, c->service) != 0 ||
	    strcmp(seen->user, c->user) != 0) {
		check_wrong(k, "exchange");
		return;
	}
	x = once_take(k->a->exchanges, c->exchange, k->start);
	xasprintf(&k->message, "%s,%s,%s", c->first, x->message, c->last);
	if (scram_nonce_repeated(c->last, x->nonce))
		scram_compare(k, x);
	else
		check_wrong(k, "nonce");
	scram_drop(x);
}
