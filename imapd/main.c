/* imapd: see imapd(8). */
#include "imapd/login.h"
#include "lib/net/login_program.h"

/*
 * Runs as merpati-imapd with the listening sockets from mailbind(8), and
 * talks to strangers.  Who takes over a child sees the passwords of the one
 * client it serves, and may try passwords at authd, with authd's delays; mail
 * and hashes are out of its reach.
 */
int
main(int argc, char **argv)
{
	static const struct login_program	 imapd = { .name = "imapd",
	    .service = "imap", .role = ROLE_IMAP, .full_text = "* BYE "
	    "[UNAVAILABLE] Too many connections, try again later\r\n",
	    .serve = imapd_serve };

	return login_program_main(&imapd, argc, argv);
}
