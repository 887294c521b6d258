/*
 * Derived ids (spool.h), alone in a file: the one thing here that needs
 * libcrypto, which workers and sessions do not link.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/store/spool.h"

void
spool_id_derive(char out[SPOOL_ID_LEN + 1], const char *id,
    unsigned int batch, const char *kind)
{
	unsigned char	 md[EVP_MAX_MD_SIZE];
	char		 text[128];
	int		 n;

	n = snprintf(text, sizeof(text), "%.*s %u %.80s", SPOOL_ID_LEN, id,
	    batch, kind);
	if (EVP_Digest(text, (size_t)n, md, NULL, EVP_sha256(), NULL) != 1)
		fatalx("event=digest-failed");
	spool_id_from(out, spool_id_time(id), md);
}
