/*
 * The certificates and private keys that the configuration names, as they were
 * last found good.
 */
#ifndef KEYD_KEYS_H
#define KEYD_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <openssl/evp.h>

#include "lib/base/buf.h"
#include "lib/base/config.h"
#include "lib/base/file_stamp.h"
#include "lib/net/tls_certificates.h"

enum key_file {
	KEY_FILE_CHAIN,
	KEY_FILE_KEY,
	KEY_FILE_OCSP,
	KEY_FILES
};

struct key_pair {
	char			*name;		/* as in the configuration */
	char			*path[KEY_FILES];	/* NULL: none */
	struct file_stamp	 stamp[KEY_FILES];
	/* Only while key is not NULL: */
	struct tls_certificate	 cert;
	EVP_PKEY		*key;
	char			 id[TLS_KEY_ID + 1];
	time_t			 from, until;
	time_t			 ocsp_until;	/* 0: for ever */
	time_t			 warned;	/* of its end, last */
};

/*
 * A key that was replaced still signs for a while: handshakes that began with
 * its certificate are going on.  Whoever begins one looks for a new certificate
 * first, so minutes are enough.
 */
#define KEY_RETIRED_SECONDS	600
#define KEY_RETIRED_MAX		64	/* then the oldest goes */

struct key_retired {
	EVP_PKEY	*key;
	char		 id[TLS_KEY_ID + 1];
	time_t		 until;
};

struct keys {
	struct key_pair	*pair;		/* in the configuration's order */
	size_t		 n;
	time_t		 warn;		/* seconds before the end */
	struct key_retired	*retired;
	size_t		 nretired;
};

/*
 * Read everything that the configuration names.  A pair whose files are bad
 * goes on as it was before, if it was; each such thing is logged and a line
 * "FILE: reason" in err, unless that is NULL.  When none is good
 * the old ones stay, even of other files.
 */
void	 keys_load(struct keys *, const struct config *, struct buf *err);
/*
 * Read files again that are others than before; leave out responses whose time
 * is over; warn of certificates that are about to end, once a day; wipe
 * keys that were replaced long enough ago.  True when something is other than
 * before.
 */
bool	 keys_look(struct keys *);
void	 keys_free(struct keys *);

/* How many can be used. */
size_t	 keys_good(const struct keys *);
/* By its id, also one that was replaced lately; NULL: none.  Borrowed. */
EVP_PKEY	*keys_find(const struct keys *, const char *id);

#endif
