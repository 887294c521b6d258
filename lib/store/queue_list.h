/*
 * What is in the spool, one message at a time, read from the files alone: for
 * queue-runner's forked lister, and for mailctl when nothing runs.
 */
#ifndef STORE_QUEUE_LIST_H
#define STORE_QUEUE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/slice.h"
#include "lib/mail/queued.h"
#include "lib/store/envelope.h"

/* A message in a listing. */
struct queue_item {
	char			 id[SPOOL_ID_LEN + 1];
	enum queue_where	 where;
	uint64_t		 size;		/* octets as received */
	int64_t			 arrived;	/* seconds since 1970 */
	int64_t			 next;		/* next try, 0: none */
	uint64_t		 rcpts;		/* all, after expansion */
	uint64_t		 pending;	/* not finished */
	uint64_t		 tries;		/* that failed, of the recipient
						 * tried most */
	char			 from[ADDRESS_MAX + 1];
	char			 to[ADDRESS_MAX + 1];	/* first pending */
	char			 code[12];	/* of the last failure, or "" */
	char			 reason[QUEUE_REASON_MAX];	/* its text, or
						 * why it is held, or "" */
};

/*
 * "all", an id, "recipient:ADDRESS" ("to:"), "sender:ADDRESS" ("from:", "<>"
 * is null), "domain:NAME".  0, or -1 with errno EINVAL.
 */
int	 queue_selector_parse(const char *text, struct queue_selector *);
const char	*queue_where_name(enum queue_where);

/*
 * A line of a listing, LF included: "id=... where=... size=... arrived=...
 * next=... rcpts=... pending=... tries=... from=... to=... code=...
 * reason=...", values xtext.  The last line of a whole listing is "end COUNT":
 * without it the lister was cut short.
 */
int	 queue_item_format(const struct queue_item *, struct buf *out);
/* The reverse, LF excluded.  0, or -1 with errno EINVAL. */
int	 queue_item_parse(struct slice line, struct queue_item *);
/* A destination of mail for other hosts, as queue-runner sees it. */
enum queue_dest_state {
	QUEUE_DEST_OPEN,
	QUEUE_DEST_PAUSED,	/* until next */
	QUEUE_DEST_PROBE	/* the pause is over: one message tries it */
};

struct queue_dest {
	char			 name[1024];	/* "smtp:mx1,mx2:25", perhaps
						 * cut */
	enum queue_dest_state	 state;
	uint64_t		 connections;
	uint64_t		 allowed;	/* at once, now */
	uint64_t		 waiting;	/* messages with nothing else to
						 * wait for */
	uint64_t		 deferred;	/* known to be for it alone */
	int64_t			 next;		/* end of the pause, or 0 */
	char			 code[12];	/* of the last failure, or "" */
	char			 host[512];	/* who said so, or "" */
	char			 reason[QUEUE_REASON_MAX];
};

const char	*queue_dest_state_name(enum queue_dest_state);
/* As queue_item_format() and _parse(): "dest=... state=... connections=..." */
int	 queue_dest_format(const struct queue_dest *, struct buf *out);
int	 queue_dest_parse(struct slice line, struct queue_dest *);

/* Is the line "end COUNT"? */
bool	 queue_item_end(struct slice line, uint64_t *count);

/*
 * Call fn for each selected message in new/, queue/ and hold/; a fn that
 * returns other than 0 ends the walk with that.  spool is a descriptor of the
 * spool directory.  A message that vanishes or cannot be read meanwhile is
 * passed over (a corrupt one is listed with what is known).  0, or -1 with
 * errno when a directory cannot be read.
 */
typedef int	 queue_list_fn(const struct queue_item *, void *arg);
int	 queue_list(int spool, const struct queue_selector *, queue_list_fn *,
	    void *arg);

#endif
