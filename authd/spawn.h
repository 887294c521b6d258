/*
 * Asking spawner without waiting: questions are kept until they are answered
 * or old, and asked again over a new connection when spawner went away.
 */
#ifndef AUTHD_SPAWN_H
#define AUTHD_SPAWN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/net/proto_spawn.h"

#define SPAWN_TIMEOUT_MS	10000	/* then the answer is SPAWN_LATER */
#define SPAWN_RETRY_MS		200	/* between connects */

struct event_base;
struct spawn;

/*
 * Called from the loop, once a question and never from inside the call that
 * asked.  A descriptor in the answer is the callee's.
 */
typedef void	 spawn_fn(const struct spawn_answer *, void *arg);

/* path: spawner's socket, borrowed. */
struct spawn	*spawn_new(struct event_base *, const char *path);
/* Questions without answer are forgotten. */
void		 spawn_free(struct spawn *);

void		 spawn_ask_server(struct spawn *, const struct spawn_server *,
		    spawn_fn *, void *arg);
void		 spawn_ask_home(struct spawn *, const struct spawn_home *,
		    spawn_fn *, void *arg);

#endif
