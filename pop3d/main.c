/* pop3d: see pop3d(8). */
#include "lib/net/login_program.h"
#include "pop3d/login.h"

/*
 * Runs as merpati-pop3d with the listening sockets from mailbind(8), and
 * talks to strangers.  Who takes over a child sees the passwords of the one
 * client it serves, and may try passwords at authd, with authd's delays; mail
 * and hashes are out of its reach.
 */
int
main(int argc, char **argv)
{
	static const struct login_program	 pop3d = { .name = "pop3d",
	    .service = "pop3", .role = ROLE_POP3, .full_text = "-ERR "
	    "[SYS/TEMP] Too many connections, try again later\r\n",
	    .serve = pop3d_serve };

	return login_program_main(&pop3d, argc, argv);
}
