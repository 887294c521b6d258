/* What all who handle a message agree on, on disk and in packets. */
#ifndef MAIL_MESSAGE_H
#define MAIL_MESSAGE_H

#define SPOOL_ID_LEN	20	/* of the message's id: lib/store/spool.h */

/* Mail verdicts are one enum everywhere. */
enum mail_verdict {
	MAIL_OK,
	MAIL_TEMP,		/* 4.x.x: try again */
	MAIL_PERM		/* 5.x.x: bounce */
};

#define MAIL_ORCPT_MAX	2048	/* octets, decoded: rfc822;a@b */

enum dsn_notify {		/* RFC 3461 4.1; 0: not given */
	NOTIFY_NEVER = 1,
	NOTIFY_SUCCESS = 2,
	NOTIFY_FAILURE = 4,
	NOTIFY_DELAY = 8
};

enum dsn_ret { RET_UNSET, RET_FULL, RET_HDRS };	/* RFC 3461 4.3 */

#endif
