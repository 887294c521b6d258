/* Checks the passwords of this machine's accounts by PAM: pamd(8). */
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "pamd/pamd.h"

/*
 * User merpati-pam, in the group shadow.  Descriptors: the listening socket,
 * one a client, one a helper.  Hostile: the names and passwords that authd
 * passes on as they came.  A takeover gains what the group shadow may read: the
 * password hashes of this machine; and it can call any password right.
 */
int
main(int argc, char **argv)
{
	const struct config	*conf;

	service_title_init(argc, argv);
	log_init("pamd");
	conf = config_need(service_options(argc, argv, "pamd"));
	privilege_never_root("pamd");
	privilege_harden();
	return pamd_main(conf);
}
