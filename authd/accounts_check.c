/*
 * Passwords of this machine's accounts, which pamd asks PAM about.  Contract in
 * check_parts.h.
 */
#include <sys/stat.h>
#include <errno.h>
#include <string.h>

#include <bsd/string.h>

#include "authd/asks.h"
#include "authd/cache.h"
#include "authd/check_parts.h"
#include "lib/base/io.h"
#include "lib/base/xmalloc.h"
#include "lib/net/proto_pam.h"

#define SHADOW	"/etc/shadow"

/*
 * In the place of the hash, which we never see: which file of hashes there is.
 * Whatever it was that changed in it, PAM is asked again.  What other sources
 * change, LDAP for one, is seen when the remembered one is too old.
 */
static char *
account_secret(void)
{
	struct stat	 st;
	char		*s;

	if (stat(SHADOW, &st) == -1)
		memset(&st, 0, sizeof(st));
	xasprintf(&s, "{PAM}%llu.%lld.%ld", (unsigned long long)st.st_ino,
	    (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	return s;
}

static void
account_judge(struct check *k, enum pam_verdict verdict)
{
	struct auth_check	*c = &k->s.check;
	const struct user	*u = check_user(k, c->user);

	switch (verdict) {
	case PAM_VERDICT_LATER:
		check_later(k, "pamd");
		return;
	case PAM_VERDICT_BAD:
		check_wrong(k, "password");
		return;
	case PAM_VERDICT_OK:
		break;
	}
	/* It may have gone, or come into the users file, meanwhile. */
	if (u == NULL || !u->account) {
		check_later(k, "changed");
		return;
	}
	cache_add(k->a->cache, u->name, k->secret, c->secret,
	    io_monotonic_ms());
	check_right(k, u);
}

static int
account_answered(struct ipc_msg *m, void *arg)
{
	enum pam_verdict	 v = PAM_VERDICT_LATER;
	int			 r;

	r = m == NULL ? 0 : proto_pam_get_answer(m, &v);
	account_judge(arg, v);
	return r;
}

void
account_check(struct check *k, const struct user *u)
{
	static struct ipc_msg		 m;
	static struct pam_question	 q;
	const struct auth_check		*c = &k->s.check;
	struct asks			*pamd = k->a->pamd;
	size_t				 len;
	int				 r;

	/* As it was before PAM looks: a change meanwhile counts. */
	k->secret = account_secret();
	if (cache_has(k->a->cache, u->name, k->secret, c->secret, k->start)) {
		check_right(k, u);
		return;
	}
	/* PAM gives an empty one to accounts that have none. */
	if (c->secret[0] == '\0') {
		check_wrong(k, "password");
		return;
	}
	len = (size_t)(strchr(u->name, '@') - u->name);
	memset(&q, 0, sizeof(q));
	strlcpy(q.user, u->name, len < sizeof(q.user) ? len + 1 :
	    sizeof(q.user));
	strlcpy(q.password, c->secret, sizeof(q.password));
	strlcpy(q.ip, c->ip, sizeof(q.ip));
	proto_pam_put_ask(&m, asks_id(pamd), &q);
	explicit_bzero(&q, sizeof(q));
	r = asks_send(pamd, &m, account_answered, k);
	if (r == -1)
		check_later(k, errno == EAGAIN ? "busy" : "pamd");
}
