/* Contract in scram_keys.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/base/base64.h"
#include "lib/base/buf.h"
#include "lib/base/text.h"
#include "lib/store/scram_keys.h"
#include "lib/base/saslprep.h"

static const struct {
	const char	*name;
	size_t		 len;
	const EVP_MD	*(*md)(void);
} hashes[] = {
	[SCRAM_SHA_256] = { "SHA-256", 32, EVP_sha256 },
	[SCRAM_SHA_1] = { "SHA-1", 20, EVP_sha1 },
};

const char *
scram_hash_name(enum scram_hash hash)
{
	return hashes[hash].name;
}

enum scram_hash
scram_hash_named(const char *name)
{
	size_t	 i;

	for (i = 0; i < SCRAM_HASHES; i++)
		if (strcmp(name, hashes[i].name) == 0)
			break;
	return (enum scram_hash)i;
}

/* Octets of a base 64 word, at most size; 0 when it is none or empty. */
static size_t
scram_octets(struct slice word, unsigned char *out, size_t size)
{
	struct buf	 b;
	size_t		 len = 0;

	buf_init(&b, size);
	if (word.len > 0 && base64_decode(word, &b) == 0) {
		len = b.len;
		memcpy(out, b.ptr, len);
	}
	if (b.ptr != NULL)
		explicit_bzero(b.ptr, b.len);
	buf_free(&b);
	return len;
}

int
scram_keys_parse(struct slice text, enum scram_hash hash,
    struct scram_keys *k)
{
	size_t		 len = hashes[hash].len;
	uint64_t	 n;

	memset(k, 0, sizeof(*k));
	k->hash = hash;
	if (text_u64(text_cut(&text, ','), SCRAM_ITERATIONS_MAX, &n) == 0 &&
	    n >= SCRAM_ITERATIONS_MIN &&
	    (k->salt_len = scram_octets(text_cut(&text, ','), k->salt,
	    sizeof(k->salt))) > 0 &&
	    scram_octets(text_cut(&text, ','), k->stored,
	    sizeof(k->stored)) == len &&
	    scram_octets(text, k->server, sizeof(k->server)) == len) {
		k->iterations = (uint32_t)n;
		return 0;
	}
	explicit_bzero(k, sizeof(*k));
	errno = EINVAL;
	return -1;
}

void
scram_salt_print(const struct scram_keys *k, char out[SCRAM_SALT_BASE64])
{
	base64_print(k->salt, k->salt_len, out);
}

void
scram_keys_print(const struct scram_keys *k, char out[SCRAM_KEYS_TEXT])
{
	char	 salt[SCRAM_SALT_BASE64];
	char	 stored[SCRAM_BASE64], server[SCRAM_BASE64];

	scram_salt_print(k, salt);
	base64_print(k->stored, hashes[k->hash].len, stored);
	base64_print(k->server, hashes[k->hash].len, server);
	snprintf(out, SCRAM_KEYS_TEXT, "%lu,%s,%s,%s",
	    (unsigned long)k->iterations, salt, stored, server);
	explicit_bzero(stored, sizeof(stored));
	explicit_bzero(server, sizeof(server));
}

static bool
scram_hmac(enum scram_hash hash, const unsigned char *key, const char *text,
    unsigned char out[SCRAM_KEY_MAX])
{
	return HMAC(hashes[hash].md(), key, (int)hashes[hash].len,
	    (const unsigned char *)text, strlen(text), out, NULL) != NULL;
}

static bool
scram_digest(enum scram_hash hash, const unsigned char *key,
    unsigned char out[SCRAM_KEY_MAX])
{
	return EVP_Digest(key, hashes[hash].len, out, NULL, hashes[hash].md(),
	    NULL) == 1;
}

int
scram_keys_make(struct scram_keys *k, const char *password)
{
	unsigned char	 salted[SCRAM_KEY_MAX], client[SCRAM_KEY_MAX];
	char		*prepared = saslprep(password);
	bool		 ok;

	ok = PKCS5_PBKDF2_HMAC(prepared, (int)strlen(prepared), k->salt,
	    (int)k->salt_len, (int)k->iterations, hashes[k->hash].md(),
	    (int)hashes[k->hash].len, salted) == 1 &&
	    scram_hmac(k->hash, salted, "Client Key", client) &&
	    scram_digest(k->hash, client, k->stored) &&
	    scram_hmac(k->hash, salted, "Server Key", k->server);
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(client, sizeof(client));
	saslprep_free(prepared);
	if (ok)
		return 0;
	errno = ENOMEM;
	return -1;
}

bool
scram_keys_fit(const struct scram_keys *k, const char *password)
{
	struct scram_keys	 mine = *k;
	bool			 fits;

	fits = scram_keys_make(&mine, password) == 0 &&
	    CRYPTO_memcmp(mine.stored, k->stored, hashes[k->hash].len) == 0;
	explicit_bzero(&mine, sizeof(mine));
	return fits;
}

bool
scram_keys_prove(const struct scram_keys *k, const char *message,
    const char *proof, char signature[SCRAM_BASE64])
{
	unsigned char	 sig[SCRAM_KEY_MAX], key[SCRAM_KEY_MAX] = { 0 };
	unsigned char	 stored[SCRAM_KEY_MAX];
	size_t		 i, len = hashes[k->hash].len;
	bool		 ok;

	signature[0] = '\0';
	ok = scram_octets(slice_str(proof), key, sizeof(key)) == len;
	if (!scram_hmac(k->hash, k->stored, message, sig))
		return false;
	for (i = 0; i < len; i++)
		key[i] ^= sig[i];
	ok = scram_digest(k->hash, key, stored) &&
	    CRYPTO_memcmp(stored, k->stored, len) == 0 && ok;
	if (ok && scram_hmac(k->hash, k->server, message, sig))
		base64_print(sig, len, signature);
	/* With the client's key anybody could log in. */
	explicit_bzero(key, sizeof(key));
	explicit_bzero(stored, sizeof(stored));
	return ok && signature[0] != '\0';
}
