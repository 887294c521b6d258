/*
 * Make a message fit for a host without 8BITMIME (RFC 6152 3), and lines over
 * 998 octets fit for any (RFC 5321 4.5.3.1.6): parts that need it, and only
 * they, become quoted-printable or base 64 (RFC 2045 6).  Long header lines
 * are folded, 8-bit octets around the parts of a multipart become "?".
 *
 *	downgrade_scan(&plan, ...)	is there anything to do, can it be done?
 *	downgrade_write(&plan, ...)	the message, changed
 *
 * Both read the message from its start, in pieces, with bounded memory; the
 * second gives what the first promised.  Line ends are CRLF; a lone CR or LF
 * is content.  Multiparts and message/rfc822 are never encoded themselves.
 */
#ifndef MAIL_DOWNGRADE_H
#define MAIL_DOWNGRADE_H

#include <sys/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOWNGRADE_PARTS		65536	/* entities that may be changed */

/* What must go. */
enum {
	DOWNGRADE_EIGHTBIT = 1,		/* octets over 127 */
	DOWNGRADE_LONGLINE = 2		/* lines over 998 octets */
};

enum downgrade_verdict {
	DOWNGRADE_NOTHING,	/* the message is fit as it is */
	DOWNGRADE_CAN,		/* downgrade_write() makes it fit */
	/*
	 * 8-bit octets in header fields, for which there is no encoding
	 * that keeps the meaning (RFC 6532 mail to a host without SMTPUTF8, or
	 * plain wrong).  The rest can be made fit, and downgrade_write() does
	 * so.
	 */
	DOWNGRADE_HEADERS,
	DOWNGRADE_CANNOT,	/* RFC 3463 5.6.3; plan.reason says why */
	DOWNGRADE_ERROR		/* reading failed: errno */
};

struct downgrade_plan {
	unsigned int	 fix;
	enum downgrade_verdict verdict;
	const char	*reason;	/* static, of HEADERS and CANNOT */
	uint8_t		*action;	/* of each entity, heap */
	size_t		 n, size;
};

/* Octets read, 0 at the end, -1 with errno. */
typedef ssize_t	(*downgrade_read)(void *ctx, void *buf, size_t size);
/* 0, or -1 with errno: nothing more is written. */
typedef int	(*downgrade_write_cb)(void *ctx, const void *data, size_t len);

/*
 * fix: DOWNGRADE_ bits.  The verdict, also in *plan, which the caller frees
 * whatever it is.
 */
enum downgrade_verdict	 downgrade_scan(struct downgrade_plan *plan,
			    unsigned int fix, downgrade_read, void *ctx);
/*
 * The same message again from its start.  Lines written are at most 998
 * octets if DOWNGRADE_LONGLINE was asked for, encoded ones 76, without their
 * CRLF.  0, or -1 with errno of a callback, or EINVAL: the plan says CANNOT or
 * ERROR.
 */
int	 downgrade_write(const struct downgrade_plan *, downgrade_read,
	    void *rctx, downgrade_write_cb, void *wctx);
void	 downgrade_free(struct downgrade_plan *);

#endif
