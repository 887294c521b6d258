/*
 * What authd knows: where a mailbox is, what an alias leads to, who delivers.
 * A mailbox's answer is kept for a minute; nothing else is.
 */
#ifndef QUEUE_RUNNER_MAILBOX_H
#define QUEUE_RUNNER_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/net/proto_auth.h"

struct event_base;
struct mailboxes;

/* Where a mailbox is; shared, counted. */
struct mailbox {
	unsigned int	 refs;
	int64_t		 until;		/* monotonic ms */
	uint32_t	 uid;
	uint64_t	 quota_octets, quota_count;
	char		*address, *user, *home;
};

void	 mailbox_ref(struct mailbox *);
void	 mailbox_unref(struct mailbox *);	/* NULL is fine */

/*
 * Callbacks come from the event loop, never from within the asking call.
 * Each question has exactly one.
 */
/* kind AUTH_TEMP also when authd is away; mailbox: AUTH_USER only, borrowed. */
typedef void	 mailbox_found_fn(enum auth_kind kind, struct mailbox *,
		    void *arg);
/*
 * status: "ok" with the results (borrowed), or none loop toomany temp.
 */
typedef void	 mailbox_expanded_fn(const char *status,
		    const struct auth_result *results, size_t n, void *arg);
/* fd: the callee's, or -1. */
typedef void	 mailbox_worker_fn(int fd, void *arg);

struct mailboxes	*mailboxes_new(struct event_base *, const char *path);
void	 mailboxes_free(struct mailboxes *);	/* no callbacks any more */

/* The kept answer, or NULL.  Borrowed until the next call. */
struct mailbox	*mailboxes_known(struct mailboxes *, const char *address);
void	 mailboxes_lookup(struct mailboxes *, const char *address,
	    mailbox_found_fn *, void *arg);
void	 mailboxes_expand(struct mailboxes *, const char *address,
	    mailbox_expanded_fn *, void *arg);
void	 mailboxes_worker(struct mailboxes *, const char *user,
	    mailbox_worker_fn *, void *arg);
bool	 mailboxes_connected(const struct mailboxes *);
/* Called now and then. */
void	 mailboxes_tick(struct mailboxes *);

#endif
