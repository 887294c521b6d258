/* remote: takes messages to other hosts by SMTP and LMTP. */
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "remote/parent.h"

/*
 * User merpati-remote.  Descriptors: the listening socket; in a child
 * queue-runner's connection, a host's, and the message of the job.  Hostile:
 * what hosts answer, their TLS and their certificates.  A takeover gains the
 * messages on their way to that host, the passwords for smarthosts, and the
 * right to say that a message was delivered; no mailbox, no queue.
 */
int
main(int argc, char **argv)
{
	const struct config	*cfg;

	service_title_init(argc, argv);
	log_init("remote");
	cfg = config_need(service_options(argc, argv, "remote"));
	privilege_never_root("remote");
	privilege_harden();
	return parent_run(cfg);
}
