/* Contract in keys.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyd/keys.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/net/tls_files.h"

#define DAY	86400

/* True when one of the pair's files is another; the stamps are brought up. */
static bool
stamps_changed(struct key_pair *p)
{
	bool	 other = false;
	size_t	 i;

	for (i = 0; i < KEY_FILES; i++)
		if (file_stamp_changed(&p->stamp[i], p->path[i]))
			other = true;
	return other;
}

static void
pair_empty(struct key_pair *p)
{
	tls_certificate_clear(&p->cert);
	EVP_PKEY_free(p->key);		/* wiped by OpenSSL */
	p->key = NULL;
	p->warned = 0;
}

/* The pair's key goes on for those who have its certificate. */
static void
retire(struct keys *k, struct key_pair *p)
{
	struct key_retired	*r;

	if (p->key == NULL)
		return;
	if (k->nretired == KEY_RETIRED_MAX) {
		EVP_PKEY_free(k->retired[0].key);
		memmove(k->retired, k->retired + 1,
		    --k->nretired * sizeof(*k->retired));
	}
	k->retired = xreallocarray(k->retired, k->nretired + 1,
	    sizeof(*k->retired));
	r = &k->retired[k->nretired++];
	r->key = p->key;
	memcpy(r->id, p->id, sizeof(r->id));
	r->until = time(NULL) + KEY_RETIRED_SECONDS;
	p->key = NULL;
}

/* Wipe those whose time is over; all: of every one. */
static void
retired_wipe(struct keys *k, bool all)
{
	time_t	 now = time(NULL);
	size_t	 i, n = 0;

	for (i = 0; i < k->nretired; i++) {
		/* A clock that was set back makes nothing live longer. */
		if (!all && now < k->retired[i].until &&
		    k->retired[i].until - now <= KEY_RETIRED_SECONDS)
			k->retired[n++] = k->retired[i];
		else
			EVP_PKEY_free(k->retired[i].key);
	}
	k->nretired = n;
}

static void
pair_free(struct key_pair *p)
{
	size_t	 i;

	pair_empty(p);
	free(p->name);
	for (i = 0; i < KEY_FILES; i++)
		free(p->path[i]);
	memset(p, 0, sizeof(*p));
}

/* Said once: to the log, and to whoever asked for the load. */
static void
pair_bad(const struct key_pair *p, const char *event, enum key_file file,
    const char *error, struct buf *err)
{
	log_warnx("event=%s name=%s file=%s reason=%s", event,
	    log_esc(p->name), log_esc(p->path[file]), log_esc(error));
	if (err != NULL)
		(void)buf_addf(err, "%s: %s\n", p->path[file], error);
}

static void
pair_ocsp(struct key_pair *p, struct buf *err)
{
	char	 error[TLS_FILES_TEXT];

	p->ocsp_until = 0;
	if (p->path[KEY_FILE_OCSP] == NULL)
		return;
	/* Not made yet is no error: who fetches it may need us running. */
	if (p->stamp[KEY_FILE_OCSP].error == ENOENT)
		log_info("event=no-ocsp name=%s file=%s", log_esc(p->name),
		    log_esc(p->path[KEY_FILE_OCSP]));
	else if (tls_files_ocsp(p->path[KEY_FILE_OCSP], &p->cert,
	    &p->ocsp_until, error) == -1)
		pair_bad(p, "bad-ocsp", KEY_FILE_OCSP, error, err);
}

/* Chain and key, both good and of each other. */
static int
pair_read(const struct key_pair *p, struct key_pair *now, struct buf *err)
{
	char	 error[TLS_FILES_TEXT];
	bool	 exposed;

	if (tls_files_chain(p->path[KEY_FILE_CHAIN], &now->cert, error) ==
	    -1) {
		pair_bad(p, "bad-certificate", KEY_FILE_CHAIN, error, err);
		return -1;
	}
	now->key = tls_files_key(p->path[KEY_FILE_KEY], &exposed, error);
	if (now->key == NULL || tls_files_fit(&now->cert, now->key, error) ==
	    -1 || tls_key_id(now->cert.chain[0], now->id) == -1) {
		pair_bad(p, "bad-certificate", KEY_FILE_KEY, error, err);
		pair_empty(now);
		return -1;
	}
	if (exposed)
		log_warnx("event=key-exposed name=%s file=%s "
		    "reason=\"everybody on this host may read it\"",
		    log_esc(p->name), log_esc(p->path[KEY_FILE_KEY]));
	return 0;
}

/* What is bad leaves the pair as it was. */
static bool
pair_load(struct keys *k, struct key_pair *p, struct buf *err)
{
	struct key_pair	 now = { .key = NULL };
	char		 type[TLS_KEY_TYPE], until[32];
	struct tm	 tm;

	(void)stamps_changed(p);
	if (pair_read(p, &now, err) == -1)
		return false;
	if (p->key != NULL && strcmp(p->id, now.id) != 0)
		retire(k, p);
	pair_empty(p);
	p->cert = now.cert;
	snprintf(p->cert.name, sizeof(p->cert.name), "%s", p->name);
	p->key = now.key;
	memcpy(p->id, now.id, sizeof(p->id));
	p->from = tls_certificate_from(&p->cert);
	p->until = tls_certificate_until(&p->cert);
	gmtime_r(&p->until, &tm);
	strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &tm);
	log_info("event=certificate-loaded name=%s type=%s key=%s "
	    "not-after=%s", log_esc(p->name), log_esc(tls_key_type(p->key,
	    type)), p->id, until);
	pair_ocsp(p, err);
	return true;
}

static void
pair_warn(struct key_pair *p, time_t now, time_t warn)
{
	const char	*event = NULL;

	if (p->until <= now)
		event = "certificate-expired";
	else if (p->until - now <= warn)
		event = "certificate-expires";
	else if (p->from > now)
		event = "certificate-too-early";
	/* A clock that was set back makes it say so again. */
	if (event == NULL || (p->warned != 0 && now >= p->warned &&
	    now - p->warned < DAY))
		return;
	p->warned = now;
	log_warnx("event=%s name=%s days=%ld file=%s", event,
	    log_esc(p->name), tls_days_left(p->until, now),
	    log_esc(p->path[KEY_FILE_CHAIN]));
}

static bool
pair_look(struct keys *k, struct key_pair *p, time_t now)
{
	bool	 changed = false;

	if (stamps_changed(p))
		changed = pair_load(k, p, NULL);
	if (p->key == NULL || p->cert.ocsp == NULL || p->ocsp_until == 0 ||
	    now < p->ocsp_until)
		return changed;
	pair_bad(p, "bad-ocsp", KEY_FILE_OCSP, "its time is over", NULL);
	free(p->cert.ocsp);
	p->cert.ocsp = NULL;
	p->cert.ocsp_len = 0;
	return true;
}

static void
keys_warn(struct keys *k)
{
	time_t	 now = time(NULL);
	size_t	 i;

	for (i = 0; i < k->n; i++)
		if (k->pair[i].key != NULL)
			pair_warn(&k->pair[i], now, k->warn);
}

static struct key_pair
pair_named(const struct config_certificate *c)
{
	struct key_pair	 p;

	memset(&p, 0, sizeof(p));
	p.name = xstrdup(c->name);
	p.path[KEY_FILE_CHAIN] = xstrdup(c->chain);
	p.path[KEY_FILE_KEY] = xstrdup(c->key);
	if (c->ocsp != NULL)
		p.path[KEY_FILE_OCSP] = xstrdup(c->ocsp);
	return p;
}

/* The good one of earlier with the same files, for one that is bad now. */
static void
pair_inherit(struct key_pair *p, struct keys *old)
{
	struct key_pair	*o;
	size_t		 i;

	for (i = 0; i < old->n; i++) {
		o = &old->pair[i];
		if (o->key == NULL || strcmp(o->path[KEY_FILE_CHAIN],
		    p->path[KEY_FILE_CHAIN]) != 0 ||
		    strcmp(o->path[KEY_FILE_KEY], p->path[KEY_FILE_KEY]) != 0)
			continue;
		p->cert = o->cert;
		snprintf(p->cert.name, sizeof(p->cert.name), "%s", p->name);
		p->key = o->key;
		memcpy(p->id, o->id, sizeof(p->id));
		p->from = o->from;
		p->until = o->until;
		p->ocsp_until = o->ocsp_until;
		p->warned = o->warned;
		memset(&o->cert, 0, sizeof(o->cert));
		o->key = NULL;
		return;
	}
}

size_t
keys_good(const struct keys *k)
{
	size_t	 i, n = 0;

	for (i = 0; i < k->n; i++)
		if (k->pair[i].key != NULL)
			n++;
	return n;
}

EVP_PKEY *
keys_find(const struct keys *k, const char *id)
{
	size_t	 i;

	for (i = 0; i < k->n; i++)
		if (k->pair[i].key != NULL && strcmp(k->pair[i].id, id) == 0)
			return k->pair[i].key;
	for (i = 0; i < k->nretired; i++)
		if (strcmp(k->retired[i].id, id) == 0)
			return k->retired[i].key;
	return NULL;
}

static void
pairs_free(struct key_pair *pair, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		pair_free(&pair[i]);
	free(pair);
}

void
keys_load(struct keys *k, const struct config *conf, struct buf *err)
{
	struct keys	 old = *k;
	size_t		 i;

	k->n = conf->ncertificate;
	k->pair = xcalloc(k->n + 1, sizeof(*k->pair));
	k->warn = (time_t)conf->keyd.warn;
	for (i = 0; i < k->n; i++) {
		k->pair[i] = pair_named(&conf->certificate[i]);
		if (!pair_load(k, &k->pair[i], err))
			pair_inherit(&k->pair[i], &old);
	}
	/* Of other files now, which are all bad: better the old than none. */
	if (k->n > 0 && keys_good(k) == 0 && keys_good(&old) > 0) {
		pairs_free(k->pair, k->n);
		k->pair = old.pair;
		k->n = old.n;
	} else {
		for (i = 0; i < old.n; i++)
			if (keys_find(k, old.pair[i].id) == NULL)
				retire(k, &old.pair[i]);
		pairs_free(old.pair, old.n);
	}
	keys_warn(k);
}

bool
keys_look(struct keys *k)
{
	time_t	 now = time(NULL);
	bool	 changed = false;
	size_t	 i;

	for (i = 0; i < k->n; i++)
		if (pair_look(k, &k->pair[i], now))
			changed = true;
	keys_warn(k);
	retired_wipe(k, false);
	return changed;
}

void
keys_free(struct keys *k)
{
	pairs_free(k->pair, k->n);
	k->pair = NULL;
	k->n = 0;
	retired_wipe(k, true);
	free(k->retired);
	k->retired = NULL;
}
