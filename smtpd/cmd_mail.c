/* MAIL: RFC 5321 4.1.1.2. */
#include "smtpd/commands.h"
#include "smtpd/reply.h"
#include "smtpd/session.h"
#include "smtpd/submit.h"
#include "smtpd/transaction.h"

/* True: refused. */
static bool
no_room(struct session *s, uint64_t size)
{
	if (size > s->config->message_size) {
		reply_refuse(s, "mail", NULL, 552, "5.3.4",
		    "message larger than the %llu octets this server takes",
		    (unsigned long long)s->config->message_size);
		return true;
	}
	if (server_spool(s->server) == NULL) {
		reply_refuse(s, "mail", NULL, 451, "4.3.0",
		    "cannot store messages now, try again later");
		return true;
	}
	if (!server_has_room(s->server, size)) {
		reply_refuse(s, "mail", NULL, 452, "4.3.1",
		    "no room for messages now, try again later");
		return true;
	}
	return false;
}

void
cmd_mail(struct session *s, struct slice arg)
{
	static struct command_mail	 m;
	struct command_error		 err;
	bool				 discard;

	if (submit_wants_login(s, &err)) {
		reply_refuse(s, "mail", NULL, err.code, err.enhanced, "%s",
		    err.text);
		return;
	}
	if (command_parse_mail(arg, session_address_flags(s), &m, &err) == -1) {
		reply_error(s, &err);
		return;
	}
	if (m.from.text[0] != '\0' && !session_qualify(s, &m.from)) {
		reply(s, 553, "5.1.7", "sender address without a domain");
		return;
	}
	if (no_room(s, m.size) ||
	    reply_access(s, &m.from, false, &discard))
		return;
	if (submit_no_sender(s, &m.from, &err)) {
		reply_refuse(s, "mail", NULL, err.code, err.enhanced,
		    "<%s>: %s", m.from.text, err.text);
		return;
	}
	transaction_begin(s, &m);
	s->tx.discard |= discard;
	reply(s, 250, "2.1.0", "<%s> sender ok", m.from.text);
}
