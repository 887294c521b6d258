/* Keeps the private keys, and signs with them: keyd(8). */
#include "keyd/keyd.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"

/*
 * User merpati-key.  Descriptors: the listening socket, one a client.  Hostile:
 * the packets of smtpd, pop3d and imapd, which strangers may have taken over;
 * nothing of a mail or of a TLS connection comes here but a digest.  A takeover
 * gains every private key and all session tickets of the hour, no mail.
 */
int
main(int argc, char **argv)
{
	const char	*path;

	service_title_init(argc, argv);
	log_init("keyd");
	path = config_path(service_options(argc, argv, "keyd"));
	privilege_never_root("keyd");
	privilege_harden();
	return keyd_main(path);
}
