/*
 * Asking tokend whose a bearer token is, without waiting: it asks a server
 * of its own, which may be slow or far.
 */
#ifndef AUTHD_TOKENS_H
#define AUTHD_TOKENS_H

#include "lib/net/proto_token.h"

#define TOKENS_MAX	256	/* questions without an answer */
#define TOKENS_MS	15000	/* a question's patience */

struct event_base;
struct tokens;

/* Called once a question, from the loop, never from inside tokens_ask(). */
typedef void	 tokens_fn(const struct token_answer *, void *arg);

/* path: tokend's socket, borrowed. */
struct tokens	*tokens_new(struct event_base *, const char *path);
/* Questions without answer are forgotten. */
void		 tokens_free(struct tokens *);
/*
 * 0, or -1 with errno: EAGAIN, too many questions; else tokend cannot be asked
 * (which is logged).
 */
int		 tokens_ask(struct tokens *, const char *token, tokens_fn *,
		    void *arg);

#endif
