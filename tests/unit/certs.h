/* Certificates made at run time. */
#ifndef TESTS_UNIT_CERTS_H
#define TESTS_UNIT_CERTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define DAY	86400L

struct cert {
	X509		*x509;
	EVP_PKEY	*key;
};

static inline void
cert_add(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX	 ctx;
	X509_EXTENSION	*e;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	assert_non_null(e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value));
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/*
 * The key is the certificate's then.  issuer NULL: self-signed.  names:
 * "DNS:a,IP:1.2.3.4", NULL for a CA.
 */
static inline struct cert
cert_of_key(EVP_PKEY *key, const struct cert *issuer, const char *cn,
    const char *names, long from, long to)
{
	static long	 serial;
	struct cert	 c;
	X509_NAME	*name;
	unsigned char	*der = NULL;
	const unsigned char *p;
	int		 len;

	assert_non_null(c.key = key);
	c.x509 = X509_new();
	if (issuer == NULL)
		issuer = &c;
	X509_set_version(c.x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c.x509), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(c.x509), from);
	X509_gmtime_adj(X509_getm_notAfter(c.x509), to);
	X509_set_pubkey(c.x509, c.key);
	name = X509_get_subject_name(c.x509);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(c.x509, X509_get_subject_name(issuer->x509));
	cert_add(c.x509, issuer->x509, NID_subject_key_identifier, "hash");
	if (names == NULL) {
		cert_add(c.x509, issuer->x509, NID_basic_constraints,
		    "critical,CA:TRUE");
		cert_add(c.x509, issuer->x509, NID_key_usage,
		    "critical,keyCertSign");
	} else {
		cert_add(c.x509, issuer->x509, NID_subject_alt_name, names);
	}
	assert_true(X509_sign(c.x509, issuer->key,
	    EVP_PKEY_is_a(issuer->key, "ED25519") ? NULL : EVP_sha256()) > 0);
	/* As it comes from a file: without the private key in its public. */
	assert_true((len = i2d_X509(c.x509, &der)) > 0);
	X509_free(c.x509);
	p = der;
	assert_non_null(c.x509 = d2i_X509(NULL, &p, len));
	OPENSSL_free(der);
	return c;
}

static inline struct cert
cert_make(const struct cert *issuer, const char *cn, const char *names,
    long from, long to)
{
	return cert_of_key(EVP_EC_gen("P-256"), issuer, cn, names, from, to);
}

static inline void
cert_free(struct cert *c)
{
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
}

#endif
