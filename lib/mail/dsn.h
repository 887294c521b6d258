/*
 * Reports on a message's delivery: bounces, delay warnings and the success
 * reports of RFC 3461.  A report is a multipart/report (RFC 6522) of words for
 * people, a message/delivery-status (RFC 3464) and the original message or
 * its header; with UTF-8 addresses the forms of RFC 6533.  Pure: the caller
 * decides who gets one (RFC 3461 5.2, no report to the null sender) and sends
 * it from the null sender.
 */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"

#define DSN_ORIGINAL_MAX	65536	/* octets returned, else the header */
#define DSN_HEADER_MAX		32768	/* octets of header returned */
#define DSN_TEXT_MAX		1000	/* octets of a diagnostic shown */
/* An out buffer of this maximum holds a report on n recipients. */
#define DSN_MAX(n)		(160 * 1024 + (size_t)(n) * 8192)

enum dsn_kind {
	DSN_FAILURE,		/* some recipients failed for good */
	DSN_DELAY,		/* not delivered yet; tried again */
	DSN_SUCCESS		/* delivered or relayed, as was asked */
};

enum dsn_action {		/* RFC 3464 2.3.3 */
	DSN_FAILED,
	DSN_DELAYED,
	DSN_DELIVERED,
	DSN_RELAYED,		/* to a server that gives no reports */
	DSN_EXPANDED		/* a list, its members get no reports */
};

struct dsn_rcpt {
	const char	*address;	/* canonical text, tried last */
	const char	*orcpt;		/* "rfc822;addr" decoded, or NULL */
	enum dsn_action	 action;
	const char	*status;	/* "5.1.1", RFC 3463 */
	const char	*text;		/* the cause: a server's reply with its
					 * code when remote is set, else our
					 * words; NULL or "" when none */
	const char	*remote;	/* host that said so, or NULL */
	time_t		 last_attempt;	/* 0: not told */
	time_t		 retry_until;	/* delays only, 0: not told */
};

struct dsn_report {
	enum dsn_kind		 kind;
	const char		*hostname;	/* ours */
	const char		*postmaster;	/* whom to ask, or NULL */
	const char		*from;		/* envelope sender: the To; not
						 * the null sender */
	const char		*id;		/* spool id of the message */
	const char		*report_id;	/* spool id of this report: its
						 * Message-ID and boundary */
	time_t			 arrived;	/* of the message */
	time_t			 now;		/* the report's Date */
	const char		*envid;		/* RFC 3461 4.4 decoded, or
						 * NULL */
	const struct dsn_rcpt	*rcpts;
	size_t			 nrcpts;	/* at least 1 */

	/*
	 * The start of the message: header section and, when it is whole and
	 * full is wanted (RET=FULL, a failure), the body.
	 */
	struct slice		 original;
	bool			 whole;		/* nothing was cut off */
	bool			 full;		/* RFC 3461 4.3 */
	bool			 utf8;		/* it came by SMTPUTF8 */
};

/*
 * Append the complete message, CRLF, no line over 998 octets.  The original
 * comes back whole in a failure when full, whole, at most DSN_ORIGINAL_MAX and
 * itself without longer lines or NULs; else its header, whole fields up to
 * DSN_HEADER_MAX.  The octets depend on nothing but the report: made again
 * after a crash it is the same message.  0, or -1 with errno EMSGSIZE and out
 * as it was.
 */
int	 dsn_build(struct buf *out, const struct dsn_report *);
/*
 * Does it need SMTPUTF8 to travel: UTF-8 in an address, or in the header of a
 * message that came by SMTPUTF8?  Otherwise it is 8bit at most, and that only
 * when the original is.
 */
bool	 dsn_is_utf8(const struct dsn_report *);

/*
 * The status code (RFC 3463 2) a reply starts with after its three digits
 * ("550 5.1.1 No such user"), else a general one by its first digit.  *out
 * holds at least 10 octets.
 */
void	 dsn_status_of(const char *reply, char out[10]);

#endif
