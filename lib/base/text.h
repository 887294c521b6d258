/*
 * ASCII without a locale, strict numbers, and the "+HH" encoding in which
 * outside octets travel in envelopes and packets.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

static inline bool
text_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
text_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
text_is_alnum(char c)
{
	return text_is_alpha(c) || text_is_digit(c);
}

static inline bool
text_is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static inline char
text_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Value of a hexadecimal digit, or -1. */
int	 text_hex(char c);
/* Lower-case s in place, ASCII only. */
void	 text_lower_str(char *s);
/* Without blanks and tabs at both ends. */
struct slice	 text_trim(struct slice);
/* Without an octet above 0x7f. */
bool	 text_is_ascii(struct slice);
/*
 * Take the octets before the first sep off s, and sep; all when there is none.
 */
struct slice	 text_cut(struct slice *s, char sep);
/*
 * Take the first line off text.  line is without its LF, which the last line
 * may lack.  False when text is empty.
 */
bool	 text_next_line(struct slice *text, struct slice *line);

/*
 * Only digits, no sign, no blank, at most max.  0, or -1 with errno EINVAL
 * (not a number) or ERANGE.
 */
int	 text_u64(struct slice, uint64_t max, uint64_t *out);

/*
 * RFC 3461 4 xtext: octets outside '!'..'~', '+' and '=' become "+HH".
 * UTF-8 octets stay as they are when utf8 is true (RFC 6533 wants them
 * readable).  0, or -1 with errno EMSGSIZE.
 */
int	 text_xencode(struct buf *out, struct slice in, bool utf8);
/* The reverse; 0, or -1 with errno EINVAL on a malformed "+" sequence. */
int	 text_xdecode(struct buf *out, struct slice in);

/* True when the octets are well-formed UTF-8 (RFC 3629). */
bool	 text_is_utf8(struct slice);

#endif
