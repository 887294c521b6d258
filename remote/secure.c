/* Contract in secure.h. */
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "remote/outcome.h"
#include "remote/secure.h"

#define PORT_IMPLICIT	465

bool
secure_implicit(const struct remote_open *o)
{
	return o->port == PORT_IMPLICIT && o->unix_path[0] == '\0' &&
	    !o->lmtp;
}

struct secure_policy
secure_policy(const struct remote_open *o, const struct resolver_host *host)
{
	struct secure_policy	 p = { SECURE_OFF, TLS_CLIENT_ANY };

	if (host == NULL)
		return p;
	switch (o->tls) {
	case REMOTE_TLS_OFF:
		break;
	case REMOTE_TLS_OPPORTUNISTIC:
		p.need = SECURE_MAY;
		break;
	case REMOTE_TLS_REQUIRED:
		p.need = SECURE_MUST;
		break;
	case REMOTE_TLS_VERIFIED:
		p.need = SECURE_MUST;
		p.check = TLS_CLIENT_CHAIN;
		return p;
	}
	if (p.need != SECURE_OFF && host->dane == DANE_TLSA) {
		p.need = SECURE_MUST;
		p.check = TLS_CLIENT_DANE;
	}
	if (secure_implicit(o))
		p.need = SECURE_MUST;
	return p;
}

bool
secure_unusable(const struct remote_open *o, const struct resolver_host *host)
{
	return host->dane == DANE_FAILED &&
	    (o->tls == REMOTE_TLS_OPPORTUNISTIC ||
	    o->tls == REMOTE_TLS_REQUIRED);
}

static void
note_tls(struct session *s, const struct tls_client_info *info)
{
	static const char *const	 words[] = {
		[TLS_CLIENT_UNVERIFIED] = "",
		[TLS_CLIENT_BY_CHAIN] = " verified",
		[TLS_CLIENT_BY_DANE] = " dane",
	};

	snprintf(s->tls, sizeof(s->tls), "%s%s", info->version,
	    words[info->verified]);
	log_debug("event=tls host=%s version=%s cipher=%s verified=%s",
	    log_esc(s->host), info->version, log_esc(info->cipher),
	    tls_client_verified_name(info->verified));
}

int
secure_start(struct session *s, const struct secure_policy *p,
    struct remote_outcome *why)
{
	const struct resolver_host	*h = s->target->host;
	struct tls_client_info		 info;
	/* A certificate has addresses without the brackets of a literal. */
	const char			*name = h->name[0] == '[' ?
					    s->target->address : h->name;
	struct tls_client_peer		 peer = { .check = p->check,
	    .host = name, .name = { name }, .nname = 1,
	    .tlsa = h->tlsa, .ntlsa = h->ntlsa,
	    .handshake_ms = (int)s->cfg->remote.command_timeout * 1000 };
	enum tls_client_status		 st;

	st = tls_client_start(s->tls_ctx, &s->smtp.s, &peer, &info);
	if (st == TLS_CLIENT_OK) {
		note_tls(s, &info);
		return 0;
	}
	if (st == TLS_CLIENT_LOCAL)
		log_warnx("event=tls-trouble host=%s reason=%s",
		    log_esc(s->host), log_esc(info.error));
	outcome_set(why, st == TLS_CLIENT_INJECTED ? "4.7.0" : "4.7.5",
	    "no TLS with %.200s (%s): %.200s", session_peer(s),
	    tls_client_status_name(st), info.error);
	(void)smtp_client_lose(&s->smtp, "TLS failed");
	return -1;
}
