/* One letter into one mailbox, or on to where the user's forward file says. */
#ifndef DELIVER_LOCAL_H
#define DELIVER_LOCAL_H

#include "deliver/worker.h"
#include "lib/store/maildir.h"

/* A letter that has its verdict, if it becomes durable. */
struct local_letter {
	struct deliver_result	 result;
	char			 user[AUTH_USER_MAX + 1];
	struct maildir_pending	 pending;
	/* Of a user with a quota: how full the mailbox is now. */
	bool			 used_known;
	uint64_t		 used_octets, used_count;
	/* Counted in the mailbox's quota, to be undone; "" is none. */
	char			 counted[AUTH_HOME_MAX + 64];
	uint64_t		 stored;
	/* Whose waiting sessions are to be told; "" is none. */
	char			 home[AUTH_HOME_MAX + 1];
};

/*
 * Always fills *letter.  Never exits: the next letter may do better.  When
 * letter->pending.fd is not -1 the verdict holds after local_finish().
 */
void	 local_deliver(struct worker *, const struct deliver_job *,
	    struct local_letter *);
/* Make n of them durable, at most MAILDIR_PENDING, or change the verdicts. */
void	 local_finish(struct local_letter *, size_t n);

/* Set a verdict; code by RFC 3463. */
void	 local_verdict(struct deliver_result *, enum mail_verdict,
	    const char *code, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));

#endif
