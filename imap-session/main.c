/* imap-session: see imap-session(8). */
#include "imap-session/session.h"
#include "lib/net/session_program.h"

/* RFC 9051 7.1.5; RFC 5530 3 */
static void
refuse(const struct auth_handed *who, enum session_refusal why,
    struct buf *out)
{
	const char	*text = why == SESSION_REFUSAL_USER ?
	    "[LIMIT] You have too many sessions already" :
	    "[UNAVAILABLE] Too many sessions, try again later";

	buf_addf(out, "%s NO %s\r\n* BYE %s\r\n", who->tag, text, text);
}

/*
 * Runs as the uid that owns the mailboxes it serves, with authd's socket as
 * descriptor 0, and talks to clients that have logged in.  Who takes
 * over a child has that mailbox, no other's, no hash and no key.
 */
int
main(int argc, char **argv)
{
	static const struct session_program	 prog = {
		.name = "imap-session", .service = "imap", .role = ROLE_IMAP,
		.refuse = refuse, .serve = session_serve
	};

	return session_program_main(&prog, argc, argv);
}
