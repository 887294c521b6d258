/* Contract in check.h: can keyd use its files, and do listeners have TLS? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include "lib/net/tls_files.h"
#include "mailctl/certs.h"
#include "mailctl/check.h"

static bool
is_for_keyd(struct check *c, const char *path)
{
	return check_may_read(c, "keyd", "merpati-key", path);
}

/* May we ourselves?  Many an admin may not, which is as it should be. */
static bool
is_for_us(struct check *c, const char *path)
{
	if (access(path, R_OK) == 0 || errno != EACCES)
		return true;
	check_warning(c, "%s: cannot be examined by you", path);
	return false;
}

static void
check_key(struct check *c, const struct config_certificate *s,
    const struct tls_certificate *cert)
{
	char		 error[TLS_FILES_TEXT];
	EVP_PKEY	*key;
	bool		 exposed;

	if (!is_for_us(c, s->key) || !is_for_keyd(c, s->key))
		return;
	key = tls_files_key(s->key, &exposed, error);
	if (key == NULL || tls_files_fit(cert, key, error) == -1)
		check_error(c, "%s: %s", s->key, error);
	else if (exposed)
		check_error(c, "%s: everybody on this host may read this "
		    "private key", s->key);
	EVP_PKEY_free(key);
}

static void
check_time(struct check *c, const struct config_certificate *s,
    const struct tls_certificate *cert)
{
	time_t	 now = time(NULL), until = tls_certificate_until(cert);
	long	 days = tls_days_left(until, now);

	if (until <= now && c->lenient)
		check_warning(c, "%s: has expired", s->chain);
	else if (until <= now)
		check_error(c, "%s: has expired", s->chain);
	else if (until - now <= (time_t)c->cfg->keyd.warn)
		check_warning(c, "%s: expires in %ld day%s", s->chain, days,
		    days == 1 ? "" : "s");
	if (tls_certificate_from(cert) > now)
		check_warning(c, "%s: its time has not come yet", s->chain);
}

/* True when hostname is among its names. */
static bool
check_one(struct check *c, const struct config_certificate *s)
{
	struct tls_certificate	 cert = { .nchain = 0 };
	char			 error[TLS_FILES_TEXT];
	time_t			 until;
	bool			 covers;

	if (!is_for_us(c, s->chain))
		return true;
	if (!is_for_keyd(c, s->chain))
		return false;
	if (tls_files_chain(s->chain, &cert, error) == -1) {
		check_error(c, "%s: %s", s->chain, error);
		return false;
	}
	check_key(c, s, &cert);
	check_time(c, s, &cert);
	if (s->ocsp != NULL && access(s->ocsp, F_OK) == 0 &&
	    is_for_keyd(c, s->ocsp) && is_for_us(c, s->ocsp) &&
	    tls_files_ocsp(s->ocsp, &cert, &until, error) == -1)
		check_warning(c, "%s: %s", s->ocsp, error);
	covers = X509_check_host(cert.chain[0], c->cfg->hostname, 0, 0,
	    NULL) == 1;
	tls_certificate_clear(&cert);
	return covers;
}

void
check_certificates(struct check *c)
{
	bool	 covers = c->cfg->ncertificate == 0;
	size_t	 i;

	for (i = 0; i < c->cfg->ncertificate; i++)
		if (check_one(c, &c->cfg->certificate[i]))
			covers = true;
	if (!covers)
		check_warning(c, "no certificate is for %s, the hostname: "
		    "programs of users will complain", c->cfg->hostname);
}

static bool
is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 ||
	    strncmp(address, "[::1]", 5) == 0 ||
	    strncmp(address, "unix:", 5) == 0;
}

static void
check_listener(struct check *c, const struct config_listen *l)
{
	static const char *const	 implicit[] = { ":465", ":993",
	    ":995" };
	enum config_tls			 tls = config_listen_tls(c->cfg, l);
	const char			*port = strrchr(l->address, ':');
	size_t				 i;

	for (i = 0; i < sizeof(implicit) / sizeof(implicit[0]); i++)
		if (port != NULL && strcmp(port, implicit[i]) == 0 &&
		    tls != TLS_IMPLICIT)
			check_warning(c, "listen \"%s\": on this port TLS is "
			    "expected from the first octet on: tls = "
			    "\"implicit\"", l->address);
	if (tls == TLS_OFF && !is_loopback(l->address) &&
	    (l->role == ROLE_SUBMISSION || l->role == ROLE_POP3 ||
	    l->role == ROLE_IMAP))
		check_warning(c, "listen \"%s\": without TLS passwords are "
		    "refused from other hosts", l->address);
}

void
check_listeners(struct check *c)
{
	const struct config_listeners	*net[] = { &c->cfg->smtpd.net,
	    &c->cfg->pop3d.net, &c->cfg->imapd.net };
	size_t				 i, k;

	for (i = 0; i < sizeof(net) / sizeof(net[0]); i++)
		for (k = 0; k < net[i]->nlisten; k++)
			check_listener(c, &net[i]->listen[k]);
}
