/* Fields that a parsed message keeps; of mime.c alone. */
#ifndef MAIL_MIME_KEEP_H
#define MAIL_MIME_KEEP_H

#include "lib/mail/mime.h"

/*
 * A field begins in the header of a message (root) or part.  True: it is one to
 * keep, and there is room; what comes is added to it.
 */
bool	 mime_keep_begin(struct mime *, struct slice name, bool root);
/* False: there is no room any more, and the value is cut off. */
bool	 mime_keep_add(struct mime *, const char *data, size_t len);
/* The value is whole: its last line end goes. */
void	 mime_keep_end(struct mime *);

#endif
