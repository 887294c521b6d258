/*
 * RFC 5322 3.2 tokens in a header field's value: folds, nested comments,
 * words.  Positions only ever move forward; no recursion.
 */
#ifndef MAIL_LEX_H
#define MAIL_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/slice.h"

/* RFC 5322 3.2.3 atext; octets above ASCII count too (RFC 6532 3.2). */
bool	 lex_is_atext(char c);
/* One or more runs of atext with single dots between. */
bool	 lex_is_dot_atom(struct slice);

/* Skip blanks, line ends and comments.  False at an unclosed comment. */
bool	 lex_skip_cfws(struct slice s, size_t *pos);
/*
 * Take the atom or quoted string at *pos and append its value (quotes,
 * escapes and folds removed) to the *len octets in out, which holds max; out
 * NULL only skips it.  0, or -1 with errno EINVAL (no word) or EMSGSIZE.
 */
int	 lex_word(struct slice s, size_t *pos, char *out, size_t max,
	    size_t *len);

#endif
