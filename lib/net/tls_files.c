/* Contract in tls_files.h, but for the OCSP response. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/io.h"
#include "lib/net/tls_files.h"
#include "lib/net/tls_files_read.h"

#define CHAIN_MAX	((size_t)1 << 20)	/* octets of the file */
#define KEY_MAX		((size_t)64 << 10)
#define RSA_MIN		2048
#define RSA_MAX		8192
#define DAY		86400	/* seconds */

/* OpenSSL's last words; its queue is empty then. */
static const char *
reason(void)
{
	const char	*why = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return why == NULL ? "unknown error" : why;
}

int
tls_files_read(const char *path, size_t max, struct buf *out, struct stat *st,
    char error[TLS_FILES_TEXT])
{
	ssize_t	 n;
	int	 fd;

	/* Room at once: growing would leave copies of a key behind. */
	buf_init(out, max + 1);
	if (buf_reserve(out, max + 1) == NULL)
		return -1;
	/* A FIFO would be waited for, for ever. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1 || fstat(fd, st) == -1)
		snprintf(error, TLS_FILES_TEXT, "%s", strerror(errno));
	else if (!S_ISREG(st->st_mode))
		snprintf(error, TLS_FILES_TEXT, "is not a regular file");
	else if ((n = io_pread_full(fd, out->ptr, max + 1, 0)) == -1)
		snprintf(error, TLS_FILES_TEXT, "%s", strerror(errno));
	else if ((size_t)n > max)
		snprintf(error, TLS_FILES_TEXT, "is longer than %zu octets",
		    max);
	else {
		out->len = (size_t)n;
		out->ptr[n] = '\0';
		io_close(fd);
		return 0;
	}
	io_close(fd);
	tls_files_wipe(out);
	return -1;
}

void
tls_files_wipe(struct buf *b)
{
	if (b->ptr != NULL)
		explicit_bzero(b->ptr, b->size);
	buf_free(b);
}

/* Every one issued and signed by the next. */
static int
check_order(const struct tls_certificate *c, char error[TLS_FILES_TEXT])
{
	X509	*host, *issuer;
	size_t	 i;

	for (i = 0; i + 1 < c->nchain; i++) {
		host = c->chain[i];
		issuer = c->chain[i + 1];
		if (X509_check_issued(issuer, host) == X509_V_OK &&
		    X509_verify(host, X509_get0_pubkey(issuer)) == 1)
			continue;
		ERR_clear_error();
		snprintf(error, TLS_FILES_TEXT, "certificate %zu in it did not "
		    "issue certificate %zu: the host's must be first, then "
		    "its issuer, and so on", i + 2, i + 1);
		return -1;
	}
	return 0;
}

int
tls_files_chain(const char *path, struct tls_certificate *c,
    char error[TLS_FILES_TEXT])
{
	struct buf	 b;
	struct stat	 st;
	BIO		*bio = NULL;
	X509		*x;

	c->nchain = 0;
	if (tls_files_read(path, CHAIN_MAX, &b, &st, error) == -1)
		return -1;
	ERR_clear_error();
	bio = BIO_new_mem_buf(buf_cstr(&b), (int)b.len);
	while (bio != NULL &&
	    (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (c->nchain == TLS_CHAIN_MAX) {
			X509_free(x);
			snprintf(error, TLS_FILES_TEXT, "more than %d "
			    "certificates in a chain", TLS_CHAIN_MAX);
			goto bad;
		}
		c->chain[c->nchain++] = x;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		snprintf(error, TLS_FILES_TEXT, "certificate %zu in it: %s",
		    c->nchain + 1, reason());
		goto bad;
	}
	ERR_clear_error();
	if (c->nchain == 0) {
		snprintf(error, TLS_FILES_TEXT, "no certificate in PEM is in "
		    "it");
		goto bad;
	}
	if (check_order(c, error) == -1)
		goto bad;
	BIO_free(bio);
	tls_files_wipe(&b);
	return 0;
bad:
	while (c->nchain > 0)
		X509_free(c->chain[--c->nchain]);
	BIO_free(bio);
	tls_files_wipe(&b);
	return -1;
}

/* Asked for a passphrase: nobody is there to type one. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	*(bool *)arg = true;
	return -1;
}

const char *
tls_key_type(EVP_PKEY *key, char out[TLS_KEY_TYPE])
{
	char		 group[32];
	const char	*name = EVP_PKEY_get0_type_name(key);

	if (EVP_PKEY_is_a(key, "RSA"))
		snprintf(out, TLS_KEY_TYPE, "RSA %d", EVP_PKEY_get_bits(key));
	else if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key,
	    group, sizeof(group), NULL) == 1)
		snprintf(out, TLS_KEY_TYPE, "EC %s",
		    strcmp(group, "prime256v1") == 0 ? "P-256" :
		    strcmp(group, "secp384r1") == 0 ? "P-384" : group);
	else
		snprintf(out, TLS_KEY_TYPE, "%s", name == NULL ? "?" : name);
	ERR_clear_error();
	return out;
}

static int
check_type(EVP_PKEY *key, char error[TLS_FILES_TEXT])
{
	char	 type[TLS_KEY_TYPE];
	int	 bits = EVP_PKEY_get_bits(key);

	tls_key_type(key, type);
	if (EVP_PKEY_is_a(key, "RSA")) {
		if (bits >= RSA_MIN && bits <= RSA_MAX)
			return 0;
		snprintf(error, TLS_FILES_TEXT, "an RSA key of %d bits: it "
		    "must have %d to %d", bits, RSA_MIN, RSA_MAX);
	} else if (strcmp(type, "EC P-256") == 0 ||
	    strcmp(type, "EC P-384") == 0)
		return 0;
	else
		snprintf(error, TLS_FILES_TEXT, "a key of type %s: many mail "
		    "programs do not know it; EC P-256, EC P-384 and RSA are "
		    "used", type);
	return -1;
}

EVP_PKEY *
tls_files_key(const char *path, bool *exposed, char error[TLS_FILES_TEXT])
{
	struct buf	 b;
	struct stat	 st;
	EVP_PKEY	*key = NULL;
	BIO		*bio;
	bool		 asked = false, there;

	if (tls_files_read(path, KEY_MAX, &b, &st, error) == -1)
		return NULL;
	if (exposed != NULL)
		*exposed = (st.st_mode & S_IROTH) != 0;
	ERR_clear_error();
	bio = BIO_new_mem_buf(buf_cstr(&b), (int)b.len);
	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase,
		    &asked);
	BIO_free(bio);
	there = strstr(buf_cstr(&b), "PRIVATE KEY-----") != NULL;
	tls_files_wipe(&b);
	if (key == NULL && asked)
		snprintf(error, TLS_FILES_TEXT, "the key has a passphrase, "
		    "which nobody could type: store it without");
	else if (key == NULL && !there)
		snprintf(error, TLS_FILES_TEXT, "no private key in PEM is in "
		    "it");
	else if (key == NULL)
		snprintf(error, TLS_FILES_TEXT, "not a private key: %s",
		    reason());
	ERR_clear_error();
	if (key == NULL || check_type(key, error) == 0)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

int
tls_files_fit(const struct tls_certificate *c, EVP_PKEY *key,
    char error[TLS_FILES_TEXT])
{
	EVP_PKEY	*pub = X509_get0_pubkey(c->chain[0]);
	int		 r = pub == NULL ? -1 : EVP_PKEY_eq(pub, key);

	ERR_clear_error();
	if (r == 1)
		return 0;
	snprintf(error, TLS_FILES_TEXT, "the key is not that of the first "
	    "certificate in the chain");
	return -1;
}

static time_t
as_time(const ASN1_TIME *t)
{
	struct tm	 tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

/* The earliest, or the latest, of what get gives for each in the chain. */
static time_t
chain_time(const struct tls_certificate *c,
    const ASN1_TIME *(*get)(const X509 *), bool latest)
{
	time_t	 t, found = as_time(get(c->chain[0]));
	size_t	 i;

	for (i = 1; i < c->nchain; i++) {
		t = as_time(get(c->chain[i]));
		if (latest ? t > found : t < found)
			found = t;
	}
	return found;
}

time_t
tls_certificate_until(const struct tls_certificate *c)
{
	return chain_time(c, X509_get0_notAfter, false);
}

time_t
tls_certificate_from(const struct tls_certificate *c)
{
	return chain_time(c, X509_get0_notBefore, true);
}

long
tls_days_left(time_t until, time_t now)
{
	time_t	 left = until - now;

	return (long)(left >= 0 ? left / DAY : (left - DAY + 1) / DAY);
}
