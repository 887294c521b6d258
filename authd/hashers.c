/* Contract in hashers.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "authd/hashers.h"
#include "lib/net/proto_auth.h"
#include "lib/store/secret.h"

#define SECRET_MAX	(AUTH_PASSWORD_MAX + 16)

/*
 * In the helper.  Nothing of authd is used but the question; the tables it may
 * have been forked with are the reason for saying nothing but yes and no.
 */
static int
hash(struct ipc_msg *m, void *arg)
{
	static char		 secret[SECRET_MAX];
	static char		 password[AUTH_PASSWORD_MAX + 1];
	char			 text[SCRAM_KEYS_TEXT] = "";
	struct scram_keys	 keys;
	uint64_t		 id = m->id, kind;
	bool			 fits;

	(void)arg;
	ipc_get_u64(m, "derive", SCRAM_HASHES, &kind);
	ipc_get_text(m, "secret", secret, sizeof(secret));
	ipc_get_text(m, "password", password, sizeof(password));
	if (ipc_end(m) == -1)
		return -1;
	explicit_bzero(m->data, m->len);
	if (kind == SCRAM_HASHES)
		fits = secret_verify(secret, password);
	else {
		fits = scram_keys_parse(slice_str(secret),
		    (enum scram_hash)kind, &keys) == 0 &&
		    scram_keys_make(&keys, password) == 0;
		if (fits)
			scram_keys_print(&keys, text);
		explicit_bzero(&keys, sizeof(keys));
	}
	explicit_bzero(password, sizeof(password));
	explicit_bzero(secret, sizeof(secret));
	ipc_start(m, "hashed", id);
	ipc_put_u64(m, "fits", fits);
	ipc_put_u64(m, "derive", kind);
	ipc_put(m, "keys", text);
	explicit_bzero(text, sizeof(text));
	return 0;
}

struct helpers *
hashers_new(struct event_base *base, unsigned int n)
{
	struct helpers_kind	 kind = { .title = "hasher", .max = n,
	    .queue = HASHERS_QUEUE, .limit_ms = HASHERS_JOB_MS,
	    .patient = true, .work = hash };
	struct helpers		*hs;
	long			 cpus;

	if (n == 0)
		kind.max = (cpus = sysconf(_SC_NPROCESSORS_ONLN)) < 1 ? 1 :
		    (unsigned int)cpus;
	if (kind.max > HELPERS_MAX)
		kind.max = HELPERS_MAX;
	hs = helpers_new(base, &kind);
	helpers_start(hs);
	return hs;
}

/* secret: with derive, an unfinished scram_keys_print(). */
static int
hashers_give(struct helpers *hs, enum scram_hash derive, const char *secret,
    const char *password, bool late, helpers_done_fn *fn, void *arg)
{
	static struct ipc_msg	 m;
	int			 r;

	if (strlen(secret) >= SECRET_MAX ||
	    strlen(password) > AUTH_PASSWORD_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	ipc_start(&m, "hash", 1);
	ipc_put_u64(&m, "derive", derive);
	ipc_put_text(&m, "secret", secret);
	ipc_put_text(&m, "password", password);
	r = helpers_ask(hs, &m, late, fn, arg);
	explicit_bzero(m.data, m.len);
	return r;
}

int
hashers_ask(struct helpers *hs, const char *secret, const char *password,
    bool late, helpers_done_fn *fn, void *arg)
{
	return hashers_give(hs, SCRAM_HASHES, secret, password, late, fn,
	    arg);
}

int
hashers_derive(struct helpers *hs, const struct scram_keys *keys,
    const char *password, bool late, helpers_done_fn *fn, void *arg)
{
	char	 text[SCRAM_KEYS_TEXT];

	scram_keys_print(keys, text);
	return hashers_give(hs, keys->hash, text, password, late, fn, arg);
}

enum hash_result
hashers_result(struct ipc_msg *answer, struct scram_keys *keys)
{
	char			 text[SCRAM_KEYS_TEXT];
	enum hash_result	 result = HASH_FAILED;
	uint64_t		 fits, kind;

	if (answer == NULL)
		return HASH_FAILED;
	ipc_get_u64(answer, "fits", 1, &fits);
	ipc_get_u64(answer, "derive", SCRAM_HASHES, &kind);
	ipc_get(answer, "keys", text, sizeof(text));
	if (ipc_end(answer) == 0 && (kind == SCRAM_HASHES) == (keys == NULL))
		result = fits == 1 ? HASH_FITS : HASH_DIFFERS;
	if (result == HASH_FITS && keys != NULL && scram_keys_parse(
	    slice_str(text), (enum scram_hash)kind, keys) == -1)
		result = HASH_FAILED;
	explicit_bzero(text, sizeof(text));
	return result;
}
