/* Contract in tls_certificates.h: writer and reader of keyd's file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/base/base64.h"
#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/net/tls_certificates.h"

#define FIRST		"merpati-certificates 1"
#define LAST		"end"
#define BEGIN		"-----BEGIN CERTIFICATE-----"
#define END		"-----END CERTIFICATE-----"
#define LINE_OCTETS	48	/* in a PEM line of 64 characters */

int
tls_certificates_begin(struct buf *b)
{
	return buf_addstr(b, FIRST "\n");
}

int
tls_certificates_end(struct buf *b)
{
	return buf_addstr(b, LAST "\n");
}

bool
tls_certificate_name_good(const char *name)
{
	size_t	 i;

	for (i = 0; name[i] != '\0'; i++)
		if (text_is_control(name[i]))
			return false;
	return i > 0 && i <= TLS_CERTIFICATE_NAME;
}

static int
put_base64(struct buf *b, const unsigned char *data, size_t len)
{
	return base64_encode((struct slice){ (const char *)data, len }, b);
}

static int
put_chain(struct buf *b, const X509 *x)
{
	unsigned char	*der = NULL;
	size_t		 i, n;
	int		 len, r = 0;

	if ((len = i2d_X509(x, &der)) <= 0) {
		errno = EINVAL;
		return -1;
	}
	if (buf_addstr(b, BEGIN "\n") == -1)
		r = -1;
	for (i = 0; r == 0 && i < (size_t)len; i += n) {
		n = (size_t)len - i;
		if (n > LINE_OCTETS)
			n = LINE_OCTETS;
		if (put_base64(b, der + i, n) == -1 || buf_addc(b, '\n') == -1)
			r = -1;
	}
	OPENSSL_free(der);
	return r == -1 ? -1 : buf_addstr(b, END "\n");
}

int
tls_certificates_write(struct buf *b, const struct tls_certificate *c)
{
	size_t	 i;

	if (!tls_certificate_name_good(c->name) || c->nchain == 0 ||
	    c->nchain > TLS_CHAIN_MAX || c->ocsp_len > TLS_OCSP_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (buf_addf(b, "certificate %s\n", c->name) == -1)
		return -1;
	if (c->ocsp_len > 0 && (buf_addstr(b, "ocsp ") == -1 ||
	    put_base64(b, c->ocsp, c->ocsp_len) == -1 ||
	    buf_addc(b, '\n') == -1))
		return -1;
	for (i = 0; i < c->nchain; i++)
		if (put_chain(b, c->chain[i]) == -1)
			return -1;
	return 0;
}

/* The next line without its LF.  False at the end, and for half a line. */
static bool
next_line(struct slice *in, struct slice *line)
{
	const char	*nl;

	if (in->len == 0 || (nl = memchr(in->ptr, '\n', in->len)) == NULL)
		return false;
	line->ptr = in->ptr;
	line->len = (size_t)(nl - in->ptr);
	in->ptr += line->len + 1;
	in->len -= line->len + 1;
	return true;
}

static bool
line_is(struct slice line, const char *s)
{
	return slice_eq(line, slice_str(s));
}

/* What follows the key and a blank. */
static bool
line_value(struct slice line, const char *key, struct slice *value)
{
	size_t	 n = strlen(key);

	if (line.len <= n || memcmp(line.ptr, key, n) != 0 ||
	    line.ptr[n] != ' ')
		return false;
	value->ptr = line.ptr + n + 1;
	value->len = line.len - n - 1;
	return true;
}

static int
get_name(struct slice value, struct tls_certificate *c)
{
	if (value.len > TLS_CERTIFICATE_NAME ||
	    memchr(value.ptr, '\0', value.len) != NULL)
		return -1;
	memcpy(c->name, value.ptr, value.len);
	c->name[value.len] = '\0';
	return tls_certificate_name_good(c->name) ? 0 : -1;
}

static int
get_ocsp(struct slice value, struct tls_certificate *c)
{
	struct buf	 der;
	int		 r = -1;

	buf_init(&der, TLS_OCSP_MAX);
	if (base64_decode(value, &der) == 0 && der.len > 0) {
		c->ocsp = xmalloc(der.len);
		c->ocsp_len = der.len;
		memcpy(c->ocsp, der.ptr, der.len);
		r = 0;
	}
	buf_free(&der);
	return r;
}

/* The lines between BEGIN, which is taken, and END. */
static int
get_chain(struct slice *in, struct tls_certificate *c)
{
	const unsigned char	*p;
	struct slice		 line = { "", 0 };
	struct buf		 der;
	bool			 whole = false;
	X509			*x = NULL;

	if (c->nchain == TLS_CHAIN_MAX)
		return -1;
	buf_init(&der, TLS_CERTIFICATES_MAX);
	while (next_line(in, &line) && !(whole = line_is(line, END)))
		if (line.len == 0 || base64_decode(line, &der) == -1)
			goto out;
	if (!whole || der.len == 0)
		goto out;
	p = (const unsigned char *)der.ptr;
	x = d2i_X509(NULL, &p, (long)der.len);
	if (x != NULL && p != (const unsigned char *)der.ptr + der.len) {
		X509_free(x);
		x = NULL;
	}
out:
	buf_free(&der);
	if (x == NULL)
		return -1;
	c->chain[c->nchain++] = x;
	return 0;
}

/* All certificates; *n counts also the one that turns out bad. */
static int
get_all(struct slice in, struct tls_certificate **all, size_t *n)
{
	struct tls_certificate	*c = NULL;
	struct slice		 line, value;

	if (!next_line(&in, &line) || !line_is(line, FIRST))
		return -1;
	while (next_line(&in, &line)) {
		if (line_value(line, "certificate", &value)) {
			if ((c != NULL && c->nchain == 0) ||
			    *n == TLS_CERTIFICATE_COUNT)
				return -1;
			*all = xreallocarray(*all, *n + 1, sizeof(**all));
			c = &(*all)[(*n)++];
			memset(c, 0, sizeof(*c));
			if (get_name(value, c) == -1)
				return -1;
		} else if (c != NULL && c->nchain == 0 && c->ocsp == NULL &&
		    line_value(line, "ocsp", &value)) {
			if (get_ocsp(value, c) == -1)
				return -1;
		} else if (c != NULL && line_is(line, BEGIN)) {
			if (get_chain(&in, c) == -1)
				return -1;
		} else if (line_is(line, LAST) && in.len == 0)
			return c != NULL && c->nchain == 0 ? -1 : 0;
		else
			return -1;
	}
	return -1;
}

int
tls_certificates_parse(struct slice in, struct tls_certificate **out,
    size_t *n)
{
	*out = NULL;
	*n = 0;
	if (get_all(in, out, n) == 0)
		return 0;
	tls_certificates_free(*out, *n);
	*out = NULL;
	*n = 0;
	errno = EBADMSG;
	return -1;
}

int
tls_certificates_read(const char *path, struct tls_certificate **out,
    size_t *n)
{
	struct buf	 b;
	int		 r;

	*out = NULL;
	*n = 0;
	buf_init(&b, TLS_CERTIFICATES_MAX);
	if ((r = io_read_file(AT_FDCWD, path, &b)) == 0)
		r = tls_certificates_parse(buf_slice(&b), out, n);
	else if (errno == EMSGSIZE)
		errno = EBADMSG;
	buf_free(&b);
	return r;
}

void
tls_certificate_clear(struct tls_certificate *c)
{
	size_t	 i;

	for (i = 0; i < c->nchain; i++)
		X509_free(c->chain[i]);
	free(c->ocsp);
	memset(c, 0, sizeof(*c));
}

void
tls_certificates_free(struct tls_certificate *all, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		tls_certificate_clear(&all[i]);
	free(all);
}

int
tls_key_id(const X509 *x, char out[TLS_KEY_ID + 1])
{
	static const char	 hex[] = "0123456789abcdef";
	unsigned char		*der = NULL, md[EVP_MAX_MD_SIZE];
	unsigned int		 i, mdlen = 0;
	int			 len, ok;

	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	ok = len > 0 && EVP_Digest(der, (size_t)len, md, &mdlen, EVP_sha256(),
	    NULL) == 1 && 2 * mdlen == TLS_KEY_ID;
	OPENSSL_free(der);
	if (!ok) {
		errno = EINVAL;
		return -1;
	}
	for (i = 0; i < mdlen; i++) {
		out[2 * i] = hex[md[i] >> 4];
		out[2 * i + 1] = hex[md[i] & 15];
	}
	out[TLS_KEY_ID] = '\0';
	return 0;
}
