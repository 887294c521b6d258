/* Asks an OAuth 2.0 server about tokens: tokend(8). */
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/privilege.h"
#include "lib/base/service.h"
#include "tokend/tokend.h"

/*
 * User merpati-token.  Descriptors: the listening socket, one a client, one a
 * helper; each helper's connection to the OAuth server.  Hostile: that server,
 * and whatever stands between; the tokens, which authd passes on as they came.
 * A takeover gains the client secret, tokens that pass by, and the power to
 * call any token good: to log in as whoever may use tokens.  No password, no
 * mail.
 */
int
main(int argc, char **argv)
{
	const struct config	*conf;

	service_title_init(argc, argv);
	log_init("tokend");
	conf = config_need(service_options(argc, argv, "tokend"));
	privilege_never_root("tokend");
	privilege_harden();
	return tokend_main(conf);
}
