/* The part of a subject that replies and forwards share (RFC 5256 2.1). */
#ifndef MAIL_BASE_SUBJECT_H
#define MAIL_BASE_SUBJECT_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

/*
 * value: of the field Subject, raw.  Append the base subject in UTF-8, as
 * written; compare with casemap().  *reply is set when something said that it
 * is a reply or forward; reply may be NULL.  0, or -1 with errno EMSGSIZE and
 * out as it was.
 */
int	 base_subject(struct slice value, struct buf *out, bool *reply);

#endif
