/*
 * mailctl dns: the records that a domain needs, as lines of a zone file.
 * RFC 5321 5.1 (MX), RFC 7208 (SPF), RFC 6186 and RFC 8314 5.1 (SRV), RFC 7672
 * (TLSA).
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "lib/mail/address.h"
#include "lib/net/tls_certificates.h"
#include "mailctl/endpoints.h"
#include "mailctl/mailctl.h"

static const char	 dns_usage[] = "mailctl dns [domain]";

static const struct {
	const char		*service;
	enum endpoint_kind	 kind;
	enum config_tls		 tls;
	int			 priority;	/* TLS from the start first */
} services[] = {
	{ "_submissions", ENDPOINT_SUBMISSION, TLS_IMPLICIT, 0 },
	{ "_submission", ENDPOINT_SUBMISSION, TLS_STARTTLS, 10 },
	{ "_imaps", ENDPOINT_IMAP, TLS_IMPLICIT, 0 },
	{ "_imap", ENDPOINT_IMAP, TLS_STARTTLS, 10 },
	{ "_pop3s", ENDPOINT_POP3, TLS_IMPLICIT, 20 },
	{ "_pop3", ENDPOINT_POP3, TLS_STARTTLS, 30 },
};

/* RFC 6186 3.4: a service that is not offered has the target ".". */
static void
print_service(const struct config *c, size_t i, const char *domain)
{
	struct endpoint	 e;

	e = endpoint_find(c, services[i].kind, services[i].tls);
	if (e.port == 0)
		printf("%s._tcp.%s.\tIN SRV\t0 0 0 .\n", services[i].service,
		    domain);
	else
		printf("%s._tcp.%s.\tIN SRV\t%d 1 %u %s.\n",
		    services[i].service, domain, services[i].priority, e.port,
		    c->hostname);
}

static void
print_domain(const struct config *c, const char *name)
{
	char	 domain[ADDRESS_DOMAIN_MAX + 1];
	size_t	 i;

	printf("; mail to and from %s\n", shown(name));
	if (address_domain_ascii(name, domain) == -1) {
		printf("; which has no form that DNS knows\n\n");
		return;
	}
	printf("%s.\tIN MX\t10 %s.\n", domain, c->hostname);
	printf("%s.\tIN TXT\t\"v=spf1 mx -all\"\n", domain);
	printf("; where mail programs find their servers\n");
	for (i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		print_service(c, i, domain);
	printf("\n");
}

/*
 * DANE-EE of the public key (3 1 1) outlives the certificate as long as
 * renewals keep the key.
 */
static void
print_tlsa(const struct config *c)
{
	struct tls_certificate	*cert = NULL;
	char			 path[600], id[TLS_KEY_ID + 1];
	size_t			 n = 0, i;

	snprintf(path, sizeof(path), "%s/keyd/certificates", c->run_dir);
	if (tls_certificates_read(path, &cert, &n) == -1) {
		printf("; no TLSA records: keyd has published no "
		    "certificates: %s\n", strerror(errno));
		return;
	}
	printf("; only in a zone that is signed (DNSSEC); when a key changes, "
	    "the new\n; record must be there two TTLs before it\n");
	for (i = 0; i < n; i++)
		if (cert[i].nchain > 0 &&
		    tls_key_id(cert[i].chain[0], id) == 0)
			printf("_25._tcp.%s.\tIN TLSA\t3 1 1 %s\n",
			    c->hostname, id);
	tls_certificates_free(cert, n);
}

static void
print_host(const struct config *c)
{
	printf("; the host: A and AAAA records, and in the reverse zones PTR "
	    "records that\n; say %s. again\n", c->hostname);
	printf("%s.\tIN TXT\t\"v=spf1 a -all\"\n", c->hostname);
	if (c->ncertificate > 0)
		print_tlsa(c);
}

int
cmd_dns(struct mailctl *m, int argc, char **argv)
{
	static const struct option	 longs[] = { { NULL, 0, NULL, 0 } };
	const struct config		*c;
	const char			*domain;
	size_t				 i;

	optind = 0;
	if (getopt_long(argc, argv, "", longs, NULL) != -1 ||
	    argc - optind > 1)
		return wrong_usage(dns_usage);
	c = mailctl_config(m);
	domain = argc > optind ? argv[optind] : NULL;
	if (domain != NULL && !config_is_local(c, domain))
		return complain(EX_DATAERR, "%s is none of our domains",
		    shown(domain));
	for (i = 0; i < c->domains.n; i++)
		if (domain == NULL ||
		    strcasecmp(domain, c->domains.item[i]) == 0)
			print_domain(c, c->domains.item[i]);
	print_host(c);
	return EX_OK;
}
