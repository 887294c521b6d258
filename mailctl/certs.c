/* Contract in certs.h. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "mailctl/certs.h"

int
certs_read(const struct config *cfg, struct tls_certificate **out, size_t *n)
{
	char	 path[600];

	snprintf(path, sizeof(path), "%s/keyd/certificates", cfg->run_dir);
	return tls_certificates_read(path, out, n);
}

static void
add_name(struct buf *out, const void *name, size_t len)
{
	if (out->len > 0)
		(void)buf_addstr(out, ", ");
	(void)buf_add(out, name, len);
}

void
cert_names(X509 *x, struct buf *out)
{
	GENERAL_NAMES		*all;
	const GENERAL_NAME	*g;
	char			 text[INET6_ADDRSTRLEN];
	int			 i, len;

	all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	for (i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		g = sk_GENERAL_NAME_value(all, i);
		len = g->type == GEN_IPADD || g->type == GEN_DNS ?
		    ASN1_STRING_length(g->d.ia5) : 0;
		if (g->type == GEN_DNS)
			add_name(out, ASN1_STRING_get0_data(g->d.ia5),
			    (size_t)len);
		else if ((len == 4 || len == 16) && inet_ntop(len == 4 ?
		    AF_INET : AF_INET6, ASN1_STRING_get0_data(g->d.ip), text,
		    sizeof(text)) != NULL)
			add_name(out, text, strlen(text));
	}
	GENERAL_NAMES_free(all);
}

void
cert_issuer(X509 *x, struct buf *out)
{
	BIO	*bio;
	char	*data;
	long	 len;

	if (X509_NAME_cmp(X509_get_subject_name(x),
	    X509_get_issuer_name(x)) == 0) {
		(void)buf_addstr(out, "itself");
		return;
	}
	bio = BIO_new(BIO_s_mem());
	if (bio != NULL && X509_NAME_print_ex(bio, X509_get_issuer_name(x), 0,
	    XN_FLAG_ONELINE & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0) {
		len = BIO_get_mem_data(bio, &data);
		(void)buf_add(out, data, (size_t)len);
	}
	BIO_free(bio);
}

const char *
cert_date(time_t then, char out[16])
{
	struct tm	 tm;

	gmtime_r(&then, &tm);
	strftime(out, 16, "%Y-%m-%d", &tm);
	return out;
}
