/*
 * RCPT: RFC 5321 4.1.1.3.  Whatever can be refused is refused here, where
 * the sending side still holds the message.
 *
 *	domain		client		answer
 *	ours		any		what authd says of the name
 *	relay-domains	any		what authd says of its recipient list
 *	other		trusted, user	accepted
 *	other		stranger	554 5.7.1
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/log.h"
#include "smtpd/commands.h"
#include "smtpd/reply.h"
#include "smtpd/session.h"
#include "smtpd/transaction.h"

static bool
is_postmaster(const struct address *to)
{
	return strcasecmp(to->local, "postmaster") == 0;
}

/*
 * May it be delivered?  False: answered.  *where is for VERB, borrowed; *to
 * becomes what goes into the envelope.
 */
static bool
check_local(struct session *s, struct address *to, char *where, size_t size)
{
	struct address	 postmaster;
	enum auth_kind	 kind;
	const char	*user;
	bool		 full;

	if (lookup_address(&s->server->lookup, to->text, &kind, &full,
	    &user) == -1) {
		log_warn("event=authd-unreachable");
		kind = AUTH_TEMP;
	}
	switch (kind) {
	case AUTH_USER:
		if (full) {
			reply_refuse(s, "rcpt", to, 452, "4.2.2",
			    "<%s>: mailbox is full", to->text);
			return false;
		}
		snprintf(where, size, "mailbox of %s", user);
		return true;
	case AUTH_ALIAS:
		snprintf(where, size, "alias");
		return true;
	case AUTH_RELAY:
		snprintf(where, size, "relayed on");
		return true;
	case AUTH_UNKNOWN:
		/* RFC 5321 4.5.1: there is always a postmaster. */
		if (is_postmaster(to) &&
		    config_is_local(s->config, to->domain) &&
		    address_parse(slice_str(s->config->postmaster),
		    ADDRESS_UTF8, &postmaster) == ADDRESS_OK &&
		    strcasecmp(to->text, postmaster.text) != 0) {
			snprintf(where, size, "postmaster");
			*to = postmaster;
			return true;
		}
		reply_refuse(s, "rcpt", to, 550, "5.1.1",
		    "<%s>: no such user here", to->text);
		return false;
	case AUTH_REMOTE:	/* its configuration is another just now */
	case AUTH_BROKEN:
	case AUTH_TEMP:
		reply_refuse(s, "rcpt", to, 451, "4.3.0", "<%s>: cannot "
		    "look up users now, try again later", to->text);
		return false;
	}
	return false;
}

static bool
check_recipient(struct session *s, struct address *to, char *where,
    size_t size)
{
	if (config_is_local(s->config, to->domain) ||
	    config_is_relay(s->config, to->domain))
		return check_local(s, to, where, size);
	if (session_may_relay(s)) {
		snprintf(where, size, "remote");
		return true;
	}
	reply_refuse(s, "rcpt", to, 554, "5.7.1",
	    "<%s>: relay access denied", to->text);
	return false;
}

static void
add(struct session *s, const struct command_rcpt *r, const char *original,
    bool discard, const char *where)
{
	if (discard) {
		log_info("event=recipient-discarded client=%s from=%s to=%s",
		    log_esc(s->client), log_esc(s->tx.env.from),
		    log_esc(r->to.text));
		s->tx.dropped++;
	} else
		envelope_add_rcpt(&s->tx.env, r->to.text,
		    r->has_orcpt ? r->orcpt : NULL, r->notify);
	if (s->verbose)
		reply(s, 250, "2.1.5", "<%s> recipient ok, %s", original,
		    where);
	else
		reply(s, 250, "2.1.5", "<%s> recipient ok", original);
}

/* "<postmaster>", or a name that submission lets go without a domain. */
static bool
complete(struct session *s, struct address *to)
{
	if (to->domain[0] != '\0')
		return true;
	if (is_postmaster(to))
		return address_make("postmaster", s->config->hostname,
		    to) == 0;
	return session_qualify(s, to);
}

void
cmd_rcpt(struct session *s, struct slice arg)
{
	static struct command_rcpt	 r;
	struct command_error		 err;
	bool				 discard;
	char				 original[ADDRESS_MAX + 1];
	char				 where[AUTH_USER_MAX + 32] = "";

	if (transaction_rcpts(&s->tx) >= session_max_recipients(s)) {
		if (!s->tx.toomany)
			reply_refuse(s, "rcpt", NULL, 452, "4.5.3",
			    "too many recipients");
		else
			reply(s, 452, "4.5.3", "too many recipients");
		s->tx.toomany = true;
		return;
	}
	s->tx.tried = true;
	if (command_parse_rcpt(arg, session_address_flags(s),
	    s->tx.env.flags & ENVELOPE_UTF8, &r, &err) == -1) {
		reply_error(s, &err);
		return;
	}
	if (!complete(s, &r.to)) {
		reply(s, 550, "5.1.3", "recipient address without a domain");
		return;
	}
	memcpy(original, r.to.text, sizeof(original));
	if (reply_access(s, &r.to, true, &discard) ||
	    !check_recipient(s, &r.to, where, sizeof(where)))
		return;
	add(s, &r, original, discard, where);
}
