/* STARTTLS: RFC 3207 4. */
#include "smtpd/commands.h"
#include "smtpd/reply.h"
#include "smtpd/secure.h"
#include "smtpd/session.h"

void
cmd_starttls(struct session *s, struct slice arg)
{
	enum stream_status	 st;

	(void)arg;
	if (!secure_offered(s)) {
		reply(s, 503, "5.5.1", "TLS is on already");
		return;
	}
	if (!secure_ready(s)) {
		reply(s, 454, "4.7.0", "no TLS now, try again later");
		return;
	}
	reply(s, 220, "2.0.0", "begin TLS");
	if ((st = stream_flush(&s->stream)) != STREAM_OK) {
		session_lost(s, st);
		return;
	}
	(void)secure_start(s);		/* it has closed the session, if so */
}
