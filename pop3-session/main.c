/* pop3-session: see pop3-session(8). */
#include "lib/net/session_program.h"
#include "pop3-session/session.h"

static void
refuse(const struct auth_handed *who, enum session_refusal why,
    struct buf *out)
{
	(void)who;
	buf_addstr(out, why == SESSION_REFUSAL_USER ?
	    "-ERR [SYS/TEMP] You have too many sessions already\r\n" :
	    "-ERR [SYS/TEMP] Too many sessions, try again later\r\n");
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
		.name = "pop3-session", .service = "pop3", .role = ROLE_POP3,
		.refuse = refuse, .serve = session_serve
	};

	return session_program_main(&prog, argc, argv);
}
