/*
 * What a server keeps of a password for SCRAM (RFC 5802 3, RFC 7677): enough to
 * check a client's proof, not enough to make one.  The text form is Dovecot's:
 *
 *	ITERATIONS,SALT,STOREDKEY,SERVERKEY	base 64 but the number
 */
#ifndef STORE_SCRAM_KEYS_H
#define STORE_SCRAM_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

#define SCRAM_KEY_MAX		32
#define SCRAM_SALT		16	/* octets of a new salt */
#define SCRAM_SALT_MAX		64
#define SCRAM_ITERATIONS_MIN	4096	/* RFC 5802 5.1 */
#define SCRAM_ITERATIONS_MAX	1000000
#define SCRAM_KEYS_TEXT		208	/* of the text form, with its NUL */
#define SCRAM_BASE64		48	/* a proof or signature, with its NUL */
#define SCRAM_SALT_BASE64	92

enum scram_hash { SCRAM_SHA_256, SCRAM_SHA_1, SCRAM_HASHES };

struct scram_keys {
	enum scram_hash	 hash;
	uint32_t	 iterations;
	size_t		 salt_len;
	unsigned char	 salt[SCRAM_SALT_MAX];
	unsigned char	 stored[SCRAM_KEY_MAX], server[SCRAM_KEY_MAX];
};

/* "SHA-256", "SHA-1" */
const char	*scram_hash_name(enum scram_hash);
/* The hash of that name; SCRAM_HASHES: none. */
enum scram_hash	 scram_hash_named(const char *name);

/* 0, or -1 with errno EINVAL. */
int	 scram_keys_parse(struct slice text, enum scram_hash,
	    struct scram_keys *);
void	 scram_keys_print(const struct scram_keys *,
	    char out[SCRAM_KEYS_TEXT]);
void	 scram_salt_print(const struct scram_keys *,
	    char out[SCRAM_SALT_BASE64]);
/*
 * Fill in the keys: hash, salt and iterations are set.  Slow: milliseconds.
 * The password is prepared as clients do it (saslprep.h).  0, or -1 with
 * errno ENOMEM.
 */
int	 scram_keys_make(struct scram_keys *, const char *password);
/* Are these keys made of this password?  Slow. */
bool	 scram_keys_fit(const struct scram_keys *, const char *password);
/*
 * RFC 5802 3: is the proof (base 64) by who knows the password, over this
 * AuthMessage?  Then signature is the server's, in base 64, else "".  Takes the
 * same time wherever the proof is wrong.
 */
bool	 scram_keys_prove(const struct scram_keys *, const char *message,
	    const char *proof, char signature[SCRAM_BASE64]);

#endif
