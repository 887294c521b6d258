/*
 * mailctl to queue-runner, on RUN/queue/control.sock; only admins may
 * connect.  Fields in doc/protocols.md.
 *
 *	list     by value + descriptor	lines of queue_item_format() to it
 *	show     id			the message and its state, as files
 *	retry    by value		try now
 *	hold     by value reason	put aside until release
 *	release  by value		back from hold, due now
 *	remove   by value		gone, without a bounce
 *	reroute  by value address	pending recipients go there instead
 *	destinations  descriptor	lines of queue_dest_format() to it
 *	status				numbers
 */
#ifndef NET_PROTO_CONTROL_H
#define NET_PROTO_CONTROL_H

#include <stdint.h>

#include "lib/base/ipc.h"
#include "lib/mail/queued.h"

#define CONTROL_TEXT_MAX	QUEUE_REASON_MAX
/* A selection by other than id walks the whole queue. */
#define CONTROL_TIMEOUT_MS	60000

enum control_verb {
	CONTROL_LIST,
	CONTROL_SHOW,
	CONTROL_RETRY,
	CONTROL_HOLD,
	CONTROL_RELEASE,
	CONTROL_REMOVE,
	CONTROL_REROUTE,
	CONTROL_DESTINATIONS,
	CONTROL_STATUS
};

struct control_request {
	enum control_verb	 verb;
	struct queue_selector	 which;		/* show: BY_ID; status: none */
	char			 text[CONTROL_TEXT_MAX]; /* hold: the reason or
						 * ""; reroute: the address */
	int			 fd;		/* listings: written to, end of
						 * file at its end; else -1 */
};

/* Encoders begin the packet; decoders: 0, or -1 with errno EBADMSG. */
void	 proto_control_put_request(struct ipc_msg *, uint64_t id,
	    const struct control_request *);
/* A received fd is the caller's. */
int	 proto_control_get_request(struct ipc_msg *,
	    struct control_request *);

/*
 * "done": listings (at once; the lines follow in the descriptor), retry,
 * hold, release, remove, reroute.  count: messages it was done to.
 */
void	 proto_control_put_done(struct ipc_msg *, uint64_t id, uint64_t count);
int	 proto_control_get_done(struct ipc_msg *, uint64_t *count);

/* "error": any request that failed, with a reason for a person. */
void	 proto_control_put_error(struct ipc_msg *, uint64_t id,
	    const char *text);
int	 proto_control_get_error(struct ipc_msg *, char *text, size_t size);

/*
 * "shown": the message file (read with envelope_read()) and, unless it was
 * never deferred, its state (state_read()).  reason: why it is held, or "".
 */
struct control_shown {
	enum queue_where	 where;
	char			 reason[QUEUE_REASON_MAX];
	int			 message;
	int			 state;		/* -1: none */
};
void	 proto_control_put_shown(struct ipc_msg *, uint64_t id,
	    const struct control_shown *);
int	 proto_control_get_shown(struct ipc_msg *, struct control_shown *);

/* "numbers": status. */
struct control_status {
	uint64_t	 fresh;		/* waiting for their first try */
	uint64_t	 deferred;
	uint64_t	 active;	/* being tried */
	uint64_t	 hold;
	uint64_t	 workers;	/* connected */
	uint64_t	 connections;	/* to other hosts */
	uint64_t	 paused;	/* destinations */
	uint64_t	 uptime;	/* seconds */
	uint64_t	 delivered;	/* recipients since start */
	uint64_t	 bounced;	/* recipients since start */
	uint64_t	 scanning;	/* 1: the first scan goes on */
	uint64_t	 authd;		/* 1: authd is connected */
	uint64_t	 resolver;	/* 1: so is the resolver */
	uint64_t	 remote;	/* 1: it was there when last needed */
};
void	 proto_control_put_numbers(struct ipc_msg *, uint64_t id,
	    const struct control_status *);
int	 proto_control_get_numbers(struct ipc_msg *, struct control_status *);

#endif
