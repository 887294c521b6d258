/* Contract in secret.h. */
#include <crypt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "lib/store/secret.h"
#include "lib/base/text.h"

#define PLAIN		"{PLAIN}"
#define PLAIN_LEN	(sizeof(PLAIN) - 1)

/* What may stand before a hash, and how that hash must begin. */
static const struct {
	const char	*name;
	const char	*front;
} schemes[] = {
	{ "{CRYPT}",		"" },
	{ "{SHA512-CRYPT}",	"$6$" },
	{ "{SHA256-CRYPT}",	"$5$" },
	{ "{BLF-CRYPT}",	"$2" },
};

static const char	*const scram_schemes[] = {
	[SCRAM_SHA_256] = "{SCRAM-SHA-256}",
	[SCRAM_SHA_1] = "{SCRAM-SHA-1}",
};

/* Where the keys of some hash begin; NULL when they are none. */
static const char *
secret_scram(const char *s, enum scram_hash *hash)
{
	size_t	 i, len;

	for (i = 0; i < SCRAM_HASHES; i++) {
		len = strlen(scram_schemes[i]);
		*hash = (enum scram_hash)i;
		if (strncasecmp(s, scram_schemes[i], len) == 0)
			return s + len;
	}
	return NULL;
}

static bool
secret_starts(const char *s, const char *front)
{
	return strncmp(s, front, strlen(front)) == 0;
}

/* A whole hash, not only a setting: something stands where the hash does. */
static bool
secret_is_hash(const char *s)
{
	int	 salt;

	if (strlen(s) < 13 || strlen(s) >= CRYPT_OUTPUT_SIZE)
		return false;
	salt = crypt_checksalt(s);
	return salt != CRYPT_SALT_INVALID &&
	    salt != CRYPT_SALT_METHOD_DISABLED;
}

const char *
secret_normal(const char *field, const char **reason)
{
	const char		*hash = NULL;
	enum scram_hash		 scram;
	struct scram_keys	 keys;
	size_t			 i, len;

	*reason = NULL;
	if (field[0] == '\0' || field[0] == '*' || field[0] == '!')
		return "";
	/* An empty word is no password: SCRAM would prove that one knows it. */
	if (strncasecmp(field, PLAIN, PLAIN_LEN) == 0)
		return field[PLAIN_LEN] == '\0' ? "" : field;
	if (secret_scram(field, &scram) != NULL) {
		if (secret_keys(field, scram, &keys))
			return field;
		*reason = "bad keys of SCRAM";
		return NULL;
	}
	if (field[0] == '$')
		hash = field;
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		len = strlen(schemes[i].name);
		if (strncasecmp(field, schemes[i].name, len) == 0 &&
		    secret_starts(field + len, schemes[i].front))
			hash = field + len;
	}
	if (hash == NULL)
		*reason = "unknown password scheme (known: {PLAIN} {CRYPT} "
		    "{SHA512-CRYPT} {SHA256-CRYPT} {BLF-CRYPT} "
		    "{SCRAM-SHA-256} {SCRAM-SHA-1})";
	else if (!secret_is_hash(hash)) {
		*reason = "no hash that crypt(3) knows";
		hash = NULL;
	}
	return hash;
}

/* Past the nth '$' from the start, or the whole length. */
static size_t
secret_dollars(const char *s, unsigned int n)
{
	const char	*p = s;

	for (; n > 0 && p != NULL; n--)
		if ((p = strchr(p, '$')) != NULL)
			p++;
	return p == NULL ? strlen(s) : (size_t)(p - s);
}

size_t
secret_class(const char *s)
{
	enum scram_hash	 scram;
	const char	*keys = secret_scram(s, &scram);

	if (keys != NULL)
		return (size_t)(keys - s) + strcspn(keys, ",");
	if (strncasecmp(s, PLAIN, PLAIN_LEN) == 0)
		return PLAIN_LEN;
	if (s[0] != '$')
		return 0;			/* DES: one cost */
	if (secret_starts(s, "$y$") || secret_starts(s, "$gy$") ||
	    secret_starts(s, "$2"))
		return secret_dollars(s, 3);
	if (secret_starts(s, "$7$"))
		return strlen(s) < 14 ? strlen(s) : 14;
	if (secret_starts(s + secret_dollars(s, 2), "rounds="))
		return secret_dollars(s, 3);
	return secret_dollars(s, 2);
}

/*
 * Compare without telling by time where they differ: all of the password
 * against the stored word, repeated.
 */
static bool
secret_plain(const char *word, const char *password)
{
	size_t		 i, n = strlen(word), m = strlen(password);
	unsigned char	 diff = n != m;

	for (i = 0; i < m; i++)
		diff |= (unsigned char)(password[i] ^
		    word[n == 0 ? 0 : i % n]);
	return diff == 0;
}

bool
secret_verify(const char *secret, const char *password)
{
	static struct crypt_data	 data;
	struct scram_keys		 keys;
	enum scram_hash			 scram;
	const char			*hash;
	size_t				 len;
	bool				 ok;

	if (secret[0] == '\0')
		return false;
	if (secret_word(secret) != NULL)
		return secret_plain(secret_word(secret), password);
	if (secret_scram(secret, &scram) != NULL) {
		ok = secret_keys(secret, scram, &keys) &&
		    scram_keys_fit(&keys, password);
		explicit_bzero(&keys, sizeof(keys));
		return ok;
	}
	hash = crypt_r(password, secret, &data);
	len = strlen(secret);
	/* Failure tokens start with '*' and equal no stored hash. */
	ok = hash != NULL && hash[0] != '*' && strlen(hash) == len &&
	    CRYPTO_memcmp(hash, secret, len) == 0;
	explicit_bzero(&data, sizeof(data));
	return ok;
}

const char *
secret_word(const char *secret)
{
	return strncasecmp(secret, PLAIN, PLAIN_LEN) == 0 ?
	    secret + PLAIN_LEN : NULL;
}

bool
secret_keys(const char *secret, enum scram_hash hash,
    struct scram_keys *keys)
{
	enum scram_hash	 mine;
	const char	*text = secret_scram(secret, &mine);

	return text != NULL && mine == hash &&
	    scram_keys_parse(slice_str(text), hash, keys) == 0;
}

const char *
secret_dummy(void)
{
	static char	 setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (setting[0] == '\0')
		crypt_gensalt_rn("$y$", 0, NULL, 0, setting,
		    sizeof(setting));
	return setting;
}
