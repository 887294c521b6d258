/* tls_files_ocsp() of tls_files.h. */
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "lib/base/xmalloc.h"
#include "lib/net/tls_files_read.h"

#define LENIENT_SECONDS	300	/* the responder's clock and ours */

/* Is the answer about this certificate of this issuer? */
static bool
is_about(const OCSP_SINGLERESP *s, X509 *host, const X509 *issuer)
{
	const OCSP_CERTID	*id = OCSP_SINGLERESP_get0_id(s);
	ASN1_OCTET_STRING	*name, *key;
	ASN1_INTEGER		*serial;
	ASN1_OBJECT		*hash;
	const EVP_MD		*md;
	unsigned char		 want[EVP_MAX_MD_SIZE];
	unsigned int		 len;

	/* The interface knows no const; nothing is changed. */
	if (OCSP_id_get0_info(&name, &hash, &key, &serial,
	    (OCSP_CERTID *)(uintptr_t)id) != 1 ||
	    ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(host)) != 0 ||
	    (md = EVP_get_digestbyobj(hash)) == NULL ||
	    X509_NAME_digest(X509_get_issuer_name(host), md, want, &len) !=
	    1 || (size_t)ASN1_STRING_length(name) != len ||
	    memcmp(ASN1_STRING_get0_data(name), want, len) != 0)
		return false;
	if (issuer == NULL)
		return true;
	return X509_pubkey_digest(issuer, md, want, &len) == 1 &&
	    (size_t)ASN1_STRING_length(key) == len &&
	    memcmp(ASN1_STRING_get0_data(key), want, len) == 0;
}

static int
check_single(OCSP_BASICRESP *basic, X509 *host, const X509 *issuer,
    time_t *until, char error[TLS_FILES_TEXT])
{
	ASN1_GENERALIZEDTIME	*this, *next;
	OCSP_SINGLERESP		*s = NULL;
	struct tm		 tm;
	int			 i, status, why;

	for (i = 0; i < OCSP_resp_count(basic); i++) {
		s = OCSP_resp_get0(basic, i);
		if (is_about(s, host, issuer))
			break;
	}
	if (i == OCSP_resp_count(basic)) {
		snprintf(error, TLS_FILES_TEXT, "about another certificate");
		return -1;
	}
	status = OCSP_single_get0_status(s, &why, NULL, &this, &next);
	if (status != V_OCSP_CERTSTATUS_GOOD) {
		snprintf(error, TLS_FILES_TEXT, "it says that the certificate "
		    "is %s", OCSP_cert_status_str(status));
		return -1;
	}
	if (OCSP_check_validity(this, next, LENIENT_SECONDS, -1) != 1) {
		snprintf(error, TLS_FILES_TEXT, "its time is over, or has "
		    "not come");
		return -1;
	}
	*until = next != NULL && ASN1_TIME_to_tm(next, &tm) == 1 ?
	    timegm(&tm) : 0;
	return 0;
}

/*
 * By the issuer, or by whom it named for this: clients refuse the whole
 * connection over a response with a wrong signature.
 */
static int
check_signature(OCSP_BASICRESP *basic, X509 *issuer,
    char error[TLS_FILES_TEXT])
{
	STACK_OF(X509)	*known = sk_X509_new_null();
	X509_STORE	*store = X509_STORE_new();
	int		 ok;

	ok = known != NULL && store != NULL && sk_X509_push(known, issuer) >
	    0 && X509_STORE_add_cert(store, issuer) == 1 &&
	    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
	    OCSP_basic_verify(basic, known, store, 0) == 1;
	sk_X509_free(known);
	X509_STORE_free(store);
	if (ok)
		return 0;
	snprintf(error, TLS_FILES_TEXT, "not signed by the certificate's "
	    "issuer");
	return -1;
}

static int
check_response(OCSP_RESPONSE *r, const struct tls_certificate *c,
    time_t *until, char error[TLS_FILES_TEXT])
{
	OCSP_BASICRESP	*basic = NULL;
	X509		*host = c->chain[0], *issuer = NULL;
	int		 n = -1, status = OCSP_response_status(r);

	if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
		snprintf(error, TLS_FILES_TEXT, "the responder answered only "
		    "\"%s\"", OCSP_response_status_str(status));
		return -1;
	}
	if (c->nchain > 1)
		issuer = c->chain[1];
	else if (X509_check_issued(host, host) == X509_V_OK)
		issuer = host;
	if ((basic = OCSP_response_get1_basic(r)) == NULL)
		snprintf(error, TLS_FILES_TEXT, "not a basic OCSP response");
	else if (check_single(basic, host, issuer, until, error) == 0 &&
	    (issuer == NULL || check_signature(basic, issuer, error) == 0))
		n = 0;
	OCSP_BASICRESP_free(basic);
	return n;
}

int
tls_files_ocsp(const char *path, struct tls_certificate *c, time_t *until,
    char error[TLS_FILES_TEXT])
{
	const unsigned char	*p;
	OCSP_RESPONSE		*r;
	struct buf		 b;
	struct stat		 st;
	int			 n = -1;

	*until = 0;
	if (tls_files_read(path, TLS_OCSP_MAX, &b, &st, error) == -1)
		return -1;
	p = (const unsigned char *)buf_cstr(&b);
	r = d2i_OCSP_RESPONSE(NULL, &p, (long)b.len);
	if (r == NULL || p != (const unsigned char *)buf_cstr(&b) + b.len)
		snprintf(error, TLS_FILES_TEXT, "not an OCSP response in DER");
	else if (check_response(r, c, until, error) == 0) {
		c->ocsp = xmalloc(b.len);
		c->ocsp_len = b.len;
		memcpy(c->ocsp, b.ptr, b.len);
		n = 0;
	}
	ERR_clear_error();
	OCSP_RESPONSE_free(r);
	tls_files_wipe(&b);
	return n;
}
