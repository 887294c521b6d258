/*
 * Type and parameters of Content-Type (RFC 2045 5.1) and Content-Disposition
 * (RFC 2183 2), with the pieces of RFC 2231 3 put together.
 *
 * Taken as far as it makes sense: missing semicolons, values with blanks that
 * nobody quoted, strings that nobody closed.
 */
#ifndef MAIL_MIME_PARAM_H
#define MAIL_MIME_PARAM_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

#define MIME_PARAMS_MAX	200	/* the rest is not looked at */

struct mime_param {
	/*
	 * As written, without RFC 2231's numbers.  A name ending in "*" has a
	 * value CHARSET'LANGUAGE'TEXT, percent-encoded.
	 */
	struct slice	 name, value;
};

struct mime_params {
	struct slice		 type;		/* as written, "" when none */
	struct slice		 subtype;	/* of a Content-Type */
	struct mime_param	 param[MIME_PARAMS_MAX];
	size_t			 n;
	struct buf		 store;
};

enum mime_params_kind {
	MIME_PARAMS_TYPE,	/* type "/" subtype comes first */
	MIME_PARAMS_DISPOSITION	/* a token does */
};

void	 mime_params_init(struct mime_params *);
/* What was parsed before is gone.  value: folds and comments inside. */
void	 mime_params_parse(struct mime_params *, struct slice value,
	    enum mime_params_kind);
void	 mime_params_free(struct mime_params *);

#endif
