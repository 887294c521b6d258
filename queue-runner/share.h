/*
 * Inside remote.c: who gets a connection.  There are few, max-connections,
 * and they are dear: a process and a handshake each.  So
 *
 *	one more is opened only when there is work for it, see far_worth();
 *	when all are taken each destination has as many as any other, and when
 *	there are more destinations than connections they take turns;
 *	destinations that have not answered, or failed, never have all.
 */
#ifndef QUEUE_RUNNER_SHARE_H
#define QUEUE_RUNNER_SHARE_H

#include "queue-runner/remote.h"

TAILQ_HEAD(far_list, far);
TAILQ_HEAD(channel_list, channel);

struct remotes {
	struct event_base	*base;
	struct dests		*dests;
	const struct config	*cfg;
	const char		*path;
	struct remotes_calls	 calls;
	struct channel_kind	 kind;
	unsigned int		 count;
	unsigned int		 fresh;		/* no result from them yet */
	unsigned int		 served;	/* destinations with one */
	unsigned int		 starving;	/* hungry, and without one */
	struct channel_list	 idle;		/* longest idle first */
	struct far_list		 hungry[2];	/* want a connection; those
						 * that failed come last */
	struct event		*feed;
	struct far_list		 patient;	/* have too little to do */
	struct event		*hurry;		/* for another connection */
	bool			 told;		/* that remote is away */
};

/* What a destination of hosts has more. */
struct far {
	TAILQ_ENTRY(far)	 hungry;
	bool			 is_hungry, last_in, starving;
	TAILQ_ENTRY(far)	 patient;
	bool			 is_patient;
	int64_t			 job_ms16;	/* a job takes, in sixteenths */
	struct remotes		*all;
	struct dest		*dest;
	struct window		 window;
	char			*open;		/* its packet */
	size_t			 open_len;
	char			 code[12];	/* of the last failure */
	char			*host;		/* who said so, or NULL */
	char			*text;
};

struct far	*far_of(const struct dest *);

void		 share_init(struct remotes *);
void		 share_end(struct remotes *);
/* For struct channel_kind. */
bool		 share_room(const struct dest *);
unsigned int	 share_limit(const struct dest *);
void		 share_want(struct dest *);
void		 share_closed(struct channel *);
/* It wants none any more. */
void		 share_sate(struct far *);
/* The destination goes. */
void		 share_forget(struct far *);
/* The connection has got a job; has nothing to do. */
void		 share_busy(struct channel *);
void		 share_idle(struct channel *);
/* A result came, the channel's first one perhaps; it took ms. */
void		 share_result(struct channel *, int64_t ms);
/* Others want a connection, and it has more than its share, or had its turn. */
bool		 share_yields(const struct channel *);

#endif
