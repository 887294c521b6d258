/* DNS for the suite, validated and cached: resolver(8). */
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "resolver/resolver.h"

/*
 * User merpati-resolver.  Descriptors: the listening socket, one a client, one
 * a question on its way.  Hostile: everything that comes from the network,
 * through libunbound; names that smtpd and queue-runner ask for.  A takeover
 * gains no secret and no file, but sends letters where it likes.
 */
int
main(int argc, char **argv)
{
	const struct config	*conf;

	service_title_init(argc, argv);
	log_init("resolver");
	conf = config_need(service_options(argc, argv, "resolver"));
	privilege_never_root("resolver");
	privilege_harden();
	return resolver_main(conf);
}
