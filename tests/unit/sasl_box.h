/*
 * For tests of the server's side of SASL: its place, with everything switched
 * on, and the fake authd and TLS of fake_scram.h.
 */
#ifndef TESTS_UNIT_SASL_BOX_H
#define TESTS_UNIT_SASL_BOX_H

#include "lib/net/sasl_server.h"
#include "tests/unit/fake_scram.h"

#define ALL	"SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1 EXTERNAL " \
		"OAUTHBEARER XOAUTH2 PLAIN LOGIN"

static char			*names[8];
static struct config		 conf;
static struct stream		 stream;
static struct auth_client	 authd;
static struct sasl_place	 place = { .config = &conf,
				    .service = "imap", .ip = "192.0.2.1",
				    .stream = &stream, .certificate = "",
				    .authd = &authd };

static int
setup(void **state)
{
	static char	 list[] = ALL;
	char		*p = list, *name;

	(void)state;
	if (names[0] == NULL)
		while ((name = strsep(&p, " ")) != NULL)
			names[conf.authd.mechanisms.n++] = name;
	conf.authd.mechanisms.item = names;
	conf.authd.mechanisms.n = 8;
	conf.oauth.url = (char *)(uintptr_t)"https://sso.example.org/i";
	conf.oauth.scope = NULL;
	conf.tls.client_certificates = true;
	place.safe = false;
	place.certificate = "";
	memset(&fake, 0, sizeof(fake));
	fake.nonce = "3rfcNHYJY1ZVvWVs7j";
	fake.salt = "QSXCR+Q6sek8bf92";
	return 0;
}

#endif
