/* HELO, EHLO, LHLO, RSET, NOOP, QUIT: RFC 5321 4.1.1, RFC 2033 4.1. */
#include <string.h>

#include "smtpd/commands.h"
#include "smtpd/reply.h"
#include "smtpd/secure.h"
#include "smtpd/session.h"
#include "smtpd/transaction.h"

/* False: it was no greeting, and has been answered. */
static bool
greeted(struct session *s, struct slice arg, const char *verb)
{
	struct command_error	 err;
	char			 helo[COMMAND_HELO_MAX + 1];

	if (session_improper(s, verb))
		return false;
	if (command_parse_helo(arg, helo, &err) == -1) {
		/* RFC 5321 4.1.4: state as before. */
		reply_error(s, &err);
		return false;
	}
	transaction_reset(s);
	memcpy(s->helo, helo, sizeof(s->helo));
	return true;
}

void
cmd_helo(struct session *s, struct slice arg)
{
	if (!greeted(s, arg, "HELO"))
		return;
	s->esmtp = false;
	reply(s, 250, NULL, "%s", s->config->hostname);
}

void
cmd_ehlo(struct session *s, struct slice arg)
{
	if (!greeted(s, arg, s->role == ROLE_LMTP ? "LHLO" : "EHLO"))
		return;
	s->esmtp = true;
	reply_more(s, 250, NULL, "%s", s->config->hostname);
	reply_more(s, 250, NULL, "PIPELINING");
	reply_more(s, 250, NULL, "SIZE %llu",
	    (unsigned long long)s->config->message_size);
	reply_more(s, 250, NULL, "8BITMIME");
	reply_more(s, 250, NULL, "SMTPUTF8");
	reply_more(s, 250, NULL, "CHUNKING");
	reply_more(s, 250, NULL, "DSN");
	if (secure_offered(s))
		reply_more(s, 250, NULL, "STARTTLS");
	cmd_auth_announce(s);
	/* RFC 9422 4: MAILMAX would be a limit we do not have. */
	reply_more(s, 250, NULL, "LIMITS RCPTMAX=%u",
	    session_max_recipients(s));
	reply_more(s, 250, NULL, "HELP");
	reply(s, 250, NULL, "ENHANCEDSTATUSCODES");
}

void
cmd_rset(struct session *s, struct slice arg)
{
	(void)arg;
	transaction_reset(s);
	reply(s, 250, "2.0.0", "ok");
}

void
cmd_noop(struct session *s, struct slice arg)
{
	(void)arg;
	reply(s, 250, "2.0.0", "ok");
}

void
cmd_quit(struct session *s, struct slice arg)
{
	(void)arg;
	s->closed = true;
	reply(s, 221, "2.0.0", "%s goodbye", s->config->hostname);
}
