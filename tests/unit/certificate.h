/* Keys and certificates made on the spot, without files. */
#ifndef TESTS_UNIT_CERTIFICATE_H
#define TESTS_UNIT_CERTIFICATE_H

#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* "P-256", "P-384", "ED25519", "RSA1024", "RSA2048"... */
__attribute__((unused)) static EVP_PKEY *
certificate_key(const char *type)
{
	EVP_PKEY	*k;

	if (strncmp(type, "RSA", 3) == 0)
		k = EVP_RSA_gen((unsigned int)atoi(type + 3));
	else if (strcmp(type, "ED25519") == 0)
		k = EVP_PKEY_Q_keygen(NULL, NULL, type);
	else
		k = EVP_EC_gen(type);
	if (k == NULL)
		abort();
	return k;
}

/*
 * Good from now, for so many seconds; signed by the issuer's key, NULL: by its
 * own.
 */
__attribute__((unused)) static X509 *
certificate_make(const char *name, EVP_PKEY *key, long seconds,
    const char *issuer, EVP_PKEY *issuer_key)
{
	static long	 serial = 1;
	X509		*x = X509_new();
	X509_NAME	*n = X509_NAME_new();

	if (x == NULL || n == NULL)
		abort();
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	X509_gmtime_adj(X509_getm_notBefore(x), -86400);
	X509_gmtime_adj(X509_getm_notAfter(x), seconds);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_subject_name(x, n);
	X509_NAME_free(n);
	n = X509_NAME_new();
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
	    (const unsigned char *)(issuer == NULL ? name : issuer), -1, -1,
	    0);
	X509_set_issuer_name(x, n);
	X509_NAME_free(n);
	X509_set_pubkey(x, key);
	if (issuer_key == NULL)
		issuer_key = key;
	if (X509_sign(x, issuer_key,
	    EVP_PKEY_is_a(issuer_key, "ED25519") ? NULL : EVP_sha256()) == 0)
		abort();
	return x;
}

#endif
