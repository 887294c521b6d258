/* Contract in serve.h. */
#include <string.h>

#include "keyd/keyd.h"
#include "keyd/serve.h"
#include "keyd/sign.h"
#include "lib/base/log.h"
#include "lib/base/peers.h"
#include "lib/net/proto_fields.h"
#include "lib/net/proto_key.h"

enum peer {
	PEER_TLS = 1,		/* smtpd, pop3d, imapd */
	PEER_ADMIN = 2
};

typedef int	 serve_fn(struct keyd *, struct ipc_client *,
		    struct ipc_msg *);

static struct ipc_msg	 ans;

static const struct peers_service	 services[] = {
	{ "merpati-smtpd", PEER_TLS },
	{ "merpati-pop3d", PEER_TLS },
	{ "merpati-imapd", PEER_TLS },
	{ NULL, 0 },
};
static struct peers	 peers = { .services = services, .admin = PEER_ADMIN };

bool
serve_allow(uid_t uid, gid_t gid, void *arg)
{
	(void)arg;
	return peers_who(&peers, uid, gid) != 0;
}

/* Also of what was refused: keys of tickets, digests. */
static void
answer(struct ipc_client *c)
{
	ipc_client_answer(c, &ans);
	explicit_bzero(ans.data, ans.len);
}

static int
serve_sign(struct keyd *k, struct ipc_client *c, struct ipc_msg *m)
{
	static struct key_signature	 sig;
	struct key_sign			 s;
	uint64_t			 id = m->id;

	if (proto_key_get_sign(m, &s) == -1)
		return -1;
	sign_digest(keys_find(&k->keys, s.key), &s, &sig);
	/* After a change of certificates some still know the old one. */
	if (!sig.ok)
		log_warnx("event=not-signed key=%s uid=%lu pid=%ld", s.key,
		    (unsigned long)ipc_client_uid(c),
		    (long)ipc_client_pid(c));
	proto_key_put_signed(&ans, id, &sig);
	answer(c);
	return 0;
}

static int
serve_ticket(struct keyd *k, struct ipc_client *c, struct ipc_msg *m)
{
	struct key_ticket	 t = { .known = false };
	unsigned char		 name[KEY_TICKET_NAME];
	uint64_t		 id = m->id;
	bool			 named;

	if (proto_key_get_ticket(m, &named, name) == -1)
		return -1;
	if (k->conf.tls.tickets)
		tickets_get(k->tickets, named ? name : NULL, tickets_now(),
		    &t);
	proto_key_put_ticket_key(&ans, id, &t);
	answer(c);
	explicit_bzero(&t, sizeof(t));
	return 0;
}

static int
serve_reload(struct keyd *k, struct ipc_client *c, struct ipc_msg *m)
{
	struct buf	 err;
	uint64_t	 id = m->id;

	if (ipc_end(m) == -1)
		return -1;
	buf_init(&err, 65536);
	proto_put_done(&ans, id, keyd_reload(k, &err) == 0 ? NULL :
	    buf_cstr(&err));
	buf_free(&err);
	answer(c);
	return 0;
}

int
serve_request(struct ipc_client *c, struct ipc_msg *m, void *arg)
{
	static const struct {
		const char	*verb;
		serve_fn	*fn;
		enum peer	 who;
	}		 verbs[] = {
		{ "sign", serve_sign, PEER_TLS },
		{ "ticket", serve_ticket, PEER_TLS },
		{ "reload", serve_reload, PEER_ADMIN },
	};
	unsigned int	 who = peers_who(&peers, ipc_client_uid(c),
			    ipc_client_gid(c));
	size_t		 i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(m->verb, verbs[i].verb) == 0 &&
		    (who & verbs[i].who) != 0)
			return verbs[i].fn(arg, c, m);
	log_warnx("event=forbidden uid=%lu verb=%s",
	    (unsigned long)ipc_client_uid(c), log_esc(m->verb));
	return -1;
}
