/*
 * VRFY, EXPN, HELP, VERB: RFC 5321 3.5.  Strangers learn nothing: 252, as RFC
 * 5321 7.3 allows.
 */
#include <string.h>

#include "lib/base/log.h"
#include "smtpd/commands.h"
#include "smtpd/reply.h"
#include "smtpd/session.h"

/* A trailing " SMTPUTF8" (RFC 6531 3.7.4.2) is for the reply's sake. */
static struct slice
without_utf8(struct slice arg)
{
	static const char	 word[] = " SMTPUTF8";
	size_t			 n = sizeof(word) - 1;

	if (arg.len > n && strncasecmp(arg.ptr + arg.len - n, word, n) == 0)
		arg.len -= n;
	return arg;
}

/* False: answered. */
static bool
parse_name(struct session *s, struct slice arg, struct address *a)
{
	struct slice	 name = without_utf8(arg);
	char		 local[ADDRESS_LOCAL_MAX + 1];
	size_t		 used;

	if (name.len == 0) {
		reply(s, 501, "5.5.4", "whom?");
		return false;
	}
	if (!session_may_relay(s)) {
		reply(s, 252, "2.5.0",
		    "send a message and see what becomes of it");
		return false;
	}
	if (address_parse_path(name, ADDRESS_LENIENT | ADDRESS_POSTMASTER |
	    ADDRESS_UTF8, a, &used) == ADDRESS_OK && used == name.len &&
	    !(a->utf8 && name.len == arg.len)) {
		if (a->domain[0] != '\0')
			return true;
		/* address_make() empties a before it reads the name. */
		memcpy(local, a->local, sizeof(local));
		if (address_make(local, s->config->hostname, a) == 0)
			return true;
	}
	reply(s, 501, "5.1.3", "malformed address");
	return false;
}

/* False: answered. */
static bool
ask(struct session *s, const struct address *a, enum auth_kind *kind,
    const char **user)
{
	bool	 full;

	*user = "";
	*kind = AUTH_REMOTE;
	if (!config_is_local(s->config, a->domain) &&
	    !config_is_relay(s->config, a->domain))
		return true;
	if (lookup_address(&s->server->lookup, a->text, kind, &full,
	    user) == 0 && *kind != AUTH_TEMP && *kind != AUTH_BROKEN)
		return true;
	reply(s, 451, "4.3.0", "cannot look up users now");
	return false;
}

void
cmd_vrfy(struct session *s, struct slice arg)
{
	struct address	 a;
	enum auth_kind	 kind;
	const char	*user;

	if (!parse_name(s, arg, &a) || !ask(s, &a, &kind, &user))
		return;
	switch (kind) {
	case AUTH_USER:
		reply(s, 250, "2.1.5", "<%s>", user);
		break;
	case AUTH_ALIAS:
		reply(s, 250, "2.1.5", "<%s>", a.text);
		break;
	case AUTH_RELAY:
	case AUTH_REMOTE:
	case AUTH_BROKEN:
	case AUTH_TEMP:
		reply(s, 252, "2.5.0", "<%s> is elsewhere, but try", a.text);
		break;
	case AUTH_UNKNOWN:
		reply(s, 550, "5.1.1", "<%s> is nobody here", a.text);
		break;
	}
}

static void
expand(struct session *s, const struct address *a)
{
	struct auth_result	*list;
	char			 status[32];
	size_t			 n, i;

	if (auth_client_expand(&s->server->lookup.client, a->text, status,
	    sizeof(status), &list, &n) == -1) {
		reply(s, 451, "4.3.0", "cannot look up users now");
		return;
	}
	if (strcmp(status, "ok") != 0 || n == 0)
		reply(s, 550, "5.2.4", "this list cannot be expanded: %s",
		    status);
	for (i = 0; i + 1 < n; i++)
		reply_more(s, 250, "2.1.5", "<%s>", list[i].address);
	if (n > 0)
		reply(s, 250, "2.1.5", "<%s>", list[n - 1].address);
	proto_auth_results_free(list, n);
}

void
cmd_expn(struct session *s, struct slice arg)
{
	struct address	 a;
	enum auth_kind	 kind;
	const char	*user;

	if (!parse_name(s, arg, &a) || !ask(s, &a, &kind, &user))
		return;
	if (kind == AUTH_ALIAS)
		expand(s, &a);
	else if (kind == AUTH_UNKNOWN)
		reply(s, 550, "5.1.1", "<%s> is nobody here", a.text);
	else
		reply(s, 550, "5.2.4", "<%s> is no list", a.text);
}

void
cmd_help(struct session *s, struct slice arg)
{
	(void)arg;
	reply_more(s, 214, "2.0.0", "Merpati %s at %s.  Commands:",
	    MERPATI_VERSION, s->config->hostname);
	session_help(s);
	reply(s, 214, "2.0.0", "Write to %s if something is wrong.",
	    s->config->postmaster);
}

/* Extra words in the text of replies, which no client may depend on. */
void
cmd_verb(struct session *s, struct slice arg)
{
	(void)arg;
	if (!session_may_relay(s)) {
		reply(s, 502, "5.7.0", "not for strangers");
		return;
	}
	s->verbose = true;
	reply(s, 250, "2.0.0", "replies will tell more");
}
