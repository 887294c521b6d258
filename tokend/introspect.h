/*
 * Ask the introspection endpoint (RFC 7662 2.1), in a helper process: one
 * blocking HTTP request.  The one file that knows libcurl.
 */
#ifndef TOKEND_INTROSPECT_H
#define TOKEND_INTROSPECT_H

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/config.h"

#define INTROSPECT_BODY	65536	/* octets of an answer */
#define SECRET_MAX	1024	/* of client-secret-file */
#define INTROSPECT_WHY	256

struct introspect;

/*
 * The connection is kept between questions.  secret: "" when there is none.
 * NULL when libcurl cannot be set up.
 */
struct introspect	*introspect_new(const struct config_oauth *,
			    const char *secret);
void			 introspect_free(struct introspect *);
/*
 * 0 with the body of the answer in body, whose maximum is INTROSPECT_BODY; -1
 * with words for the log in why.
 */
int			 introspect_ask(struct introspect *, const char *token,
			    struct buf *body, char why[INTROSPECT_WHY]);

/*
 * The secret out of its file: a line.  0, or -1 with errno; EINVAL when the
 * file holds something else.
 */
int			 introspect_secret(const char *path,
			    char secret[SECRET_MAX + 1]);

#endif
