/*
 * Certificates from keyd's file into a server: in the parent, and in a process
 * that finds another file there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>

#include "lib/base/file_stamp.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/net/tls_memory.h"
#include "lib/net/tls_server_parts.h"

#define WAIT_STEP_MS	100
#define WAIT_QUIET_MS	1000	/* all services start at once */

/* Signs by the server's keys, and notes what failed. */
static int
server_sign(void *arg, const struct key_sign *ask, struct key_signature *got)
{
	struct tls_server	*s = arg;
	tls_remote_sign_fn	*sign = s->keys.sign;

	if (s->ahead && s->keys.sign_ahead != NULL)
		sign = s->keys.sign_ahead;
	if (sign(s->keys.arg, ask, got) == -1) {
		snprintf(s->local, sizeof(s->local),
		    "keyd cannot be asked: %s", strerror(errno));
		return -1;
	}
	if (!got->ok)
		snprintf(s->local, sizeof(s->local),
		    "keyd does not sign for this certificate");
	return 0;
}

static int
host_init(struct tls_server *s, struct tls_host *h,
    const struct tls_certificate *c)
{
	unsigned char	 digest[EVP_MAX_MD_SIZE];

	if ((h->key = tls_remote_key_new(c->chain[0], server_sign, s)) == NULL)
		return -1;
	h->cert = c;
	h->type = EVP_PKEY_is_a(h->key, "RSA") ? TLS_KEY_RSA : TLS_KEY_EC;
	if (X509_digest(c->chain[0], EVP_sha256(), digest, NULL) != 1)
		return -1;
	memcpy(h->mark, digest, sizeof(h->mark));
	return 0;
}

/* It is the client's to judge, but the admin's to know. */
static void
log_validity(const struct tls_certificate *c)
{
	const X509	*x = c->chain[0];

	if (X509_cmp_time(X509_get0_notAfter(x), NULL) < 0)
		log_warnx("event=certificate-expired name=%s",
		    log_esc(c->name));
	else if (X509_cmp_time(X509_get0_notBefore(x), NULL) > 0)
		log_warnx("event=certificate-not-yet-valid name=%s",
		    log_esc(c->name));
}

static void
make_hosts(struct tls_server *s)
{
	const struct tls_certificate	*c;
	size_t				 i;

	s->host = xcalloc(s->ncert + 1, sizeof(*s->host));
	for (i = 0; i < s->ncert; i++) {
		c = &s->cert[i];
		if (host_init(s, &s->host[s->nhost], c) == -1) {
			EVP_PKEY_free(s->host[s->nhost].key);
			log_warnx("event=certificate-unusable name=%s",
			    log_esc(c->name));
			continue;
		}
		s->nhost++;
		log_validity(c);
	}
	ERR_clear_error();
}

static int
make_sets(struct tls_server *s, char error[TLS_TEXT])
{
	size_t	 i;

	ERR_clear_error();
	for (i = 0; i < s->nset; i++) {
		if (tls_server_make_set(s, &s->set[i]) == 0)
			continue;
		tls_explain("TLS cannot be set up", NULL, 0, error);
		return -1;
	}
	return 0;
}

struct tls_server *
tls_server_build(struct tls_certificate *cert, size_t n,
    const struct tls_server_options *opt, const struct tls_server_keys *keys,
    char error[TLS_TEXT])
{
	struct tls_server	*s = xcalloc(1, sizeof(*s));

	s->opt = *opt;
	s->keys = *keys;
	s->cert = cert;
	s->ncert = n;
	key_client_init(&s->keyd, NULL);
	make_hosts(s);
	if (s->nhost == 0) {
		snprintf(error, TLS_TEXT,
		    "no certificate with an RSA or ECDSA key");
		tls_server_free(s);
		return NULL;
	}
	tls_server_sort_names(s);
	if (make_sets(s, error) == -1) {
		tls_server_free(s);
		return NULL;
	}
	return s;
}

void
tls_server_free(struct tls_server *s)
{
	size_t	 i;

	if (s == NULL)
		return;
	tls_server_free(s->now);
	for (i = 0; i < s->nset; i++)
		SSL_CTX_free(s->set[i].ctx);
	for (i = 0; i < s->nhost; i++)
		EVP_PKEY_free(s->host[i].key);
	for (i = 0; i < s->nname; i++)
		free(s->name[i].name);
	tls_certificates_free(s->cert, s->ncert);
	EVP_CIPHER_free(s->cipher);
	explicit_bzero(&s->ticket, sizeof(s->ticket));
	free(s->set);
	free(s->host);
	free(s->name);
	free(s->file);
	free(s);
}

/* 0, or -1 with error: it did not come in time. */
static int
wait_for_file(const char *path, struct stat *st, struct tls_certificate **cert,
    size_t *n, char error[TLS_TEXT])
{
	const struct timespec	 step = { 0, WAIT_STEP_MS * 1000000L };
	int64_t			 now = io_monotonic_ms();
	int64_t			 until = now + TLS_SERVER_WAIT_MS;
	int64_t			 tell = now + WAIT_QUIET_MS;
	bool			 said = false;

	for (;;) {
		memset(st, 0, sizeof(*st));
		(void)stat(path, st);
		if (tls_certificates_read(path, cert, n) == 0) {
			if (*n > 0)
				return 0;
			tls_certificates_free(*cert, *n);
			errno = ENOENT;
		}
		now = io_monotonic_ms();
		if (!said && now >= tell) {
			log_warn("event=certificates-awaited file=%s",
			    log_esc(path));
			said = true;
		}
		if (now >= until)
			break;
		(void)nanosleep(&step, NULL);
	}
	snprintf(error, TLS_TEXT, "no certificates from keyd: %.150s: %s",
	    path, strerror(errno));
	return -1;
}

static int
keyd_sign(void *arg, const struct key_sign *ask, struct key_signature *got)
{
	struct tls_server	*s = arg;

	return key_client_sign(&s->keyd, ask, got);
}

static int
keyd_sign_ahead(void *arg, const struct key_sign *ask,
    struct key_signature *got)
{
	struct tls_server	*s = arg;

	return key_client_sign_ahead(&s->keyd, ask, got);
}

static int
keyd_ticket(void *arg, const unsigned char *name, struct key_ticket *out)
{
	struct tls_server	*s = arg;

	return key_client_ticket(&s->keyd, name, out);
}

static void
keyd_done(void *arg)
{
	struct tls_server	*s = arg;

	key_client_close(&s->keyd);
}

static void
set_options(const struct config *cfg, enum config_role role,
    struct tls_server_options *o)
{
	static const struct {
		const char	*alpn, *context;
	} names[] = {
		[ROLE_MX] = { NULL, "mx" },
		[ROLE_SUBMISSION] = { NULL, "submission" },
		[ROLE_LMTP] = { NULL, "lmtp" },
		[ROLE_SUBMIT] = { NULL, "submit" },
		[ROLE_POP3] = { "pop3", "pop3" },
		[ROLE_IMAP] = { "imap", "imap" },
	};

	memset(o, 0, sizeof(*o));
	o->v13_only = strcmp(cfg->tls.min_version, "1.3") == 0;
	o->tickets = cfg->tls.tickets;
	o->keep_ticket_key = role == ROLE_MX;
	o->ticket_life = cfg->keyd.ticket_life;
	o->client_certificates = cfg->tls.client_certificates &&
	    role != ROLE_MX;
	o->alpn = names[role].alpn;
	o->context = names[role].context;
}

/* A server of the certificates in the file; NULL with error. */
static struct tls_server *
build_with_keyd(struct tls_certificate *cert, size_t n,
    const struct tls_server_options *opt, const char *file,
    const struct stat *st, const char *sock, char error[TLS_TEXT])
{
	static const struct tls_server_keys	 keys = { .sign = keyd_sign,
	    .ticket = keyd_ticket, .done = keyd_done,
	    .sign_ahead = keyd_sign_ahead };
	struct tls_server			*s;

	if ((s = tls_server_build(cert, n, opt, &keys, error)) == NULL)
		return NULL;
	s->keys.arg = s;
	s->file = xstrdup(file);
	s->stat = *st;
	key_client_init(&s->keyd, sock);
	return s;
}

/*
 * A process may have begun long before, and keyd may be another one, which never
 * had the keys of then.
 */
struct tls_server *
tls_server_current(struct tls_server *s)
{
	struct tls_server	*have = s->now != NULL ? s->now : s, *now;
	struct tls_certificate	*cert;
	struct stat		 st;
	char			 error[TLS_TEXT];
	size_t			 n;

	if (s->file == NULL || stat(s->file, &st) == -1 ||
	    file_stamp_alike(&st, &have->stat) ||
	    tls_certificates_read(s->file, &cert, &n) == -1)
		return have;
	now = build_with_keyd(cert, n, &s->opt, s->file, &st,
	    s->keyd.link.path, error);
	if (now == NULL)
		return have;
	explicit_bzero(&s->ticket, sizeof(s->ticket));
	tls_server_free(s->now);
	return s->now = now;
}

struct tls_server *
tls_server_new(const struct config *cfg, enum config_role role,
    char error[TLS_TEXT])
{
	struct tls_server_options	 opt;
	struct tls_certificate		*cert;
	struct tls_server		*s;
	struct stat			 st;
	char				*file, *sock;
	size_t				 n;

	error[0] = '\0';
	tls_memory_gather();
	set_options(cfg, role, &opt);
	xasprintf(&file, "%s/keyd/certificates", cfg->run_dir);
	xasprintf(&sock, "%s/keyd/keyd.sock", cfg->run_dir);
	s = wait_for_file(file, &st, &cert, &n, error) == -1 ? NULL :
	    build_with_keyd(cert, n, &opt, file, &st, sock, error);
	free(file);
	if (s == NULL) {
		free(sock);
		return NULL;
	}
	tls_server_warm(s);
	tls_memory_gathered();
	return s;	/* for ever, as sock */
}

const char *
tls_server_file(const struct tls_server *s)
{
	return s->file;
}

const struct stat *
tls_server_file_stat(const struct tls_server *s)
{
	return &s->stat;
}
