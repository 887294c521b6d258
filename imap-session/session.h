/*
 * One IMAP session after login: straight-line code on one connection, as the
 * mailbox's user.
 */
#ifndef IMAP_SESSION_SESSION_H
#define IMAP_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imap-session/view.h"
#include "lib/base/buf.h"
#include "lib/base/config.h"
#include "lib/net/imap_lex.h"
#include "lib/net/proto_auth.h"
#include "lib/net/session_park.h"
#include "lib/net/stream.h"
#include "lib/store/account.h"

enum session_enabled {		/* RFC 5161 */
	ENABLED_REV2 = 1,	/* IMAP4rev2 */
	ENABLED_CONDSTORE = 2,
	ENABLED_QRESYNC = 4,	/* implies CONDSTORE */
	ENABLED_UTF8 = 8,	/* UTF8=ACCEPT */
	ENABLED_UIDONLY = 16	/* RFC 9586 */
};

enum session_end {
	SESSION_GOES_ON,
	SESSION_LOGOUT,
	SESSION_DROPPED,
	SESSION_TIMEOUT,
	SESSION_STOPPED,
	SESSION_ERRORS,
	SESSION_LOST,		/* the mailbox went away under us */
	SESSION_REFUSED,
	SESSION_PARKED		/* it goes on in another process */
};

#define SESSION_BADS	20	/* in a row, then it ends */

struct notify;
struct deflate;
struct fetch_file;

struct session {
	const struct config		*conf;
	const struct auth_handed	*who;
	struct stream			 s;
	struct imap_lex			 lex;
	struct account			 account;
	struct view			 view;
	unsigned int			 enabled;	/* enum session_enabled */
	enum session_end		 end;
	unsigned int			 errors;	/* BADs in a row */
	struct buf			 answer;	/* command_answer() */
	int64_t				 begun;		/* ms; the session */
	int64_t				 silent;	/* ms; the client since */
	int64_t				 parks;		/* ms; not before */
	int64_t				 began;		/* ms; the command */
	int64_t				 progress;	/* ms; last told */
	struct put_memory {		/* put_flags()'s last */
		bool			 valid, recent;
		uint32_t		 flags, keywords;
		struct buf		 text;
	}				 put;
	struct notify			*notify;	/* RFC 5465, or NULL */
	struct deflate			*deflate;	/* RFC 4978, or NULL */
	struct fetch_file		*file;		/* a large letter, as
							 * FETCH left it */
	uint64_t			 fetched, appended, expunged;	/* log */
};

/*
 * Serve until the client leaves, or the session parks.  parked: go on with one.
 * Descriptors stay the caller's.
 */
void	 session_serve(const struct config *, const struct auth_handed *,
	    int rfd, int wfd, const struct session_parked *parked);

/* Open it.  False: the client is told, and s->end set. */
bool	 session_account(struct session *);
/* names and strings go out as UTF-8: UTF8=ACCEPT or IMAP4rev2 enabled */
bool	 session_utf8(const struct session *);
/*
 * What enables CONDSTORE (RFC 7162 3.1: FETCH MODSEQ, STORE UNCHANGEDSINCE,
 * SEARCH MODSEQ, STATUS HIGHESTMODSEQ ...) calls this before its responses.
 */
void	 session_condstore(struct session *);
/*
 * For commands that may take long, to be called often between responses: after
 * 10 s, and every 10 s, tells how far it is (RFC 9585).  goal 0: not known.
 */
void	 session_progress(struct session *, uint32_t done, uint32_t goal);
/*
 * Something happened to mailboxes: tell the client.  between: no command is under
 * way, IDLE neither.  False: the selected one is gone, and said so.
 */
bool	 session_news(struct session *, bool between);
/* The client is silent for long: give memory back. */
void	 session_rest(struct session *);
/* When it will have been silent for too long: monotonic ms. */
int64_t	 session_over(const struct session *);
/* It was: say so, and end. */
void	 session_silent(struct session *);
/* The client said something, or was told something: it does not park soon. */
void	 session_stirs(struct session *);

#endif
