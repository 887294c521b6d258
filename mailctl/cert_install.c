/*
 * mailctl certificate install: files that certbot or a person got go to where
 * keyd may read them, both or none.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/net/tls_files.h"
#include "mailctl/certs.h"
#include "mailctl/mailctl.h"

struct target {
	char	 path[PATH_MAX];
	char	 temp[PATH_MAX];	/* "": not made */
};

/* It becomes part of file names. */
static bool
name_fits(const char *name)
{
	size_t	 i;

	for (i = 0; name[i] != '\0'; i++)
		if (!text_is_alnum(name[i]) &&
		    (i == 0 || strchr("._-", name[i]) == NULL))
			return false;
	return i > 0 && i <= TLS_CERTIFICATE_NAME;
}

/*
 * Where the section of the name has its files; without one in keys beside the
 * configuration.  False when there are several of the name.
 */
static bool
find_targets(const struct config *cfg, const char *name, struct target *chain,
    struct target *key, bool *section)
{
	const struct config_certificate	*c = NULL;
	char				 dir[PATH_MAX], *slash;
	size_t				 i;

	for (i = 0; i < cfg->ncertificate; i++) {
		if (strcmp(cfg->certificate[i].name, name) != 0)
			continue;
		if (c != NULL)
			return false;
		c = &cfg->certificate[i];
	}
	*section = c != NULL;
	if (c != NULL) {
		snprintf(chain->path, PATH_MAX, "%s", c->chain);
		snprintf(key->path, PATH_MAX, "%s", c->key);
		return true;
	}
	if (realpath(cfg->file, dir) == NULL)
		snprintf(dir, sizeof(dir), "%s", cfg->file);
	if ((slash = strrchr(dir, '/')) != NULL)
		*slash = '\0';
	snprintf(chain->path, PATH_MAX, "%.3900s/keys/%s.chain.pem", dir,
	    name);
	snprintf(key->path, PATH_MAX, "%.3900s/keys/%s.key.pem", dir, name);
	return true;
}

/* keyd's own, as its directory says; nothing when we cannot give files away. */
static int
give(int fd, const struct config *cfg)
{
	struct stat	 st;
	char		 path[600];

	snprintf(path, sizeof(path), "%s/keyd", cfg->run_dir);
	if (geteuid() != 0)
		return 0;
	if (stat(path, &st) == -1)
		return -1;
	return fchown(fd, (uid_t)-1, st.st_gid);
}

/* A file beside the target that holds all of b, on disk. */
static int
write_temp(const struct config *cfg, struct target *t, BIO *b, mode_t mode)
{
	char	*data;
	long	 len = BIO_get_mem_data(b, &data);
	int	 fd, saved;

	if (snprintf(t->temp, PATH_MAX, "%s.%ld.tmp", t->path,
	    (long)getpid()) >= PATH_MAX) {
		t->temp[0] = '\0';
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(t->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1) {
		t->temp[0] = '\0';
		return -1;
	}
	if (give(fd, cfg) == 0 && fchmod(fd, mode) == 0 &&
	    io_write_all(fd, data, (size_t)len) == 0 && fsync(fd) == 0) {
		close(fd);
		return 0;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void
undo(struct target *t)
{
	int	 saved = errno;

	if (t->temp[0] != '\0')
		unlink(t->temp);
	errno = saved;
}

/*
 * Written anew from what was read, so nothing else comes along: a key that is
 * in the chain's file, say.
 */
static int
write_both(const struct config *cfg, const struct tls_certificate *c,
    EVP_PKEY *key, struct target *ct, struct target *kt)
{
	BIO	*cb = BIO_new(BIO_s_mem()), *kb = BIO_new(BIO_s_secmem());
	size_t	 i;
	int	 r = -1, ok = cb != NULL && kb != NULL;

	for (i = 0; ok && i < c->nchain; i++)
		ok = PEM_write_bio_X509(cb, c->chain[i]);
	if (!ok || PEM_write_bio_PrivateKey(kb, key, NULL, NULL, 0, NULL,
	    NULL) != 1)
		errno = ENOMEM;
	else if (write_temp(cfg, ct, cb, 0644) == 0 &&
	    write_temp(cfg, kt, kb, 0640) == 0 &&
	    rename(kt->temp, kt->path) == 0) {
		kt->temp[0] = '\0';
		if (rename(ct->temp, ct->path) == 0) {
			ct->temp[0] = '\0';
			r = io_fsync_parent(ct->path);
		}
	}
	undo(ct);
	undo(kt);
	BIO_free(cb);
	BIO_free(kb);
	return r;
}

static bool
same_file(const char *a, const char *b)
{
	struct stat	 x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 &&
	    x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* What a person should know, though it is none of our business. */
static void
remark(const struct config *cfg, const struct tls_certificate *c,
    const char *name, const struct target *ct, const struct target *kt,
    bool section)
{
	struct buf	 names;

	buf_init(&names, 65536);
	cert_names(c->chain[0], &names);
	if (X509_check_host(c->chain[0], cfg->hostname, 0, 0, NULL) != 1)
		fprintf(stderr, "warning: it is for %s, and not for %s\n",
		    names.len > 0 ? shown(buf_cstr(&names)) : "no host",
		    cfg->hostname);
	buf_free(&names);
	if (tls_certificate_until(c) < time(NULL))
		fprintf(stderr, "warning: it has expired\n");
	if (section)
		return;
	printf("now %s needs\n\n  certificate \"%s\" {\n"
	    "    chain = \"%s\"\n    key   = \"%s\"\n  }\n\n"
	    "and then: mailctl check && mailctl reload\n", cfg->file, name,
	    ct->path, kt->path);
}

int
cert_install(const struct config *cfg, const char *name, const char *chain,
    const char *key)
{
	struct tls_certificate	 c = { .nchain = 0 };
	struct target		 ct = { .temp = "" }, kt = { .temp = "" };
	EVP_PKEY		*k = NULL;
	char			 error[TLS_FILES_TEXT];
	bool			 section;
	int			 code = EX_OK;

	if (!find_targets(cfg, name, &ct, &kt, &section))
		return complain(EX_CONFIG, "%s has several certificates "
		    "\"%s\": give each a name of its own", cfg->file, name);
	if (!section && !name_fits(name))
		return complain(EX_USAGE, "the name of a new certificate has "
		    "letters, digits and . _ -, unlike \"%s\"", shown(name));
	if (tls_files_chain(chain, &c, error) == -1)
		return complain(EX_DATAERR, "%s: %s", chain, error);
	if ((k = tls_files_key(key, NULL, error)) == NULL ||
	    tls_files_fit(&c, k, error) == -1)
		code = complain(EX_DATAERR, "%s: %s", key, error);
	else if (same_file(chain, ct.path) && same_file(key, kt.path))
		printf("%s: there already\n", chain);
	else if (write_both(cfg, &c, k, &ct, &kt) == -1)
		code = complain(errno == EACCES || errno == EPERM ?
		    EX_NOPERM : EX_CANTCREAT, "%s: %s", kt.path,
		    strerror(errno));
	else
		printf("%s, %s: installed\n", ct.path, kt.path);
	if (code == EX_OK) {
		remark(cfg, &c, name, &ct, &kt, section);
		if (section)
			code = cert_reload(cfg);
	}
	tls_certificate_clear(&c);
	EVP_PKEY_free(k);
	return code;
}
