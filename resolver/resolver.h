/*
 * resolver's loop, and what its whole questions share: an asker, an id, a
 * deadline.  Each kind of question is a struct that begins with one.
 */
#ifndef RESOLVER_RESOLVER_H
#define RESOLVER_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "lib/base/config.h"
#include "lib/net/proto_resolver.h"

#define QUESTIONS_MAX	4096	/* whole ones at once */

struct asker;
struct event;
struct event_base;
struct ipc_client;
struct ipc_server;
struct question;

struct resolver {
	const struct config	*conf;
	struct event_base	*base;
	struct asker		*asker;
	struct ipc_server	*server;
	struct event		*timer;		/* the oldest's deadline */
	TAILQ_HEAD(questions, question)	questions;	/* oldest first */
	unsigned int		 nquestion;
};

/*
 * Time is over: answer with what is known and end.  unanswered: nobody is to
 * hear it, just free everything.
 */
typedef void	 question_late_fn(struct question *, bool unanswered);

struct question {
	TAILQ_ENTRY(question)	 entry;
	struct resolver		*r;
	struct ipc_client	*client;
	uint64_t		 id;
	int64_t			 deadline;	/* monotonic ms */
	question_late_fn	*late;
};

/* Run until SIGTERM; the exit code. */
int	 resolver_main(const struct config *);

/* Count it in; the client is held until question_end(). */
void	 question_begin(struct question *, struct resolver *,
	    struct ipc_client *, uint64_t id, question_late_fn *);
/* Not counted any more.  The memory is the caller's. */
void	 question_end(struct question *);
/* The one answer.  A route is freed, its times to live are bounded. */
void	 question_answer_route(struct question *, const char *verb,
	    const char *name, struct resolver_route *);
void	 question_answer_texts(struct question *, const char *verb,
	    const char *name, struct resolver_texts *);
/* A failure into an empty route: code of RFC 3463, words for a person. */
void	 question_fail(struct resolver_route *, enum resolver_status,
	    const char *code, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));

/* The kinds of questions; name is the asker's, unchecked. */
void	 route_start(struct resolver *, struct ipc_client *, uint64_t id,
	    const char *name);
void	 addresses_start(struct resolver *, struct ipc_client *, uint64_t id,
	    const char *name);
void	 ptr_start(struct resolver *, struct ipc_client *, uint64_t id,
	    const char *name);
void	 txt_start(struct resolver *, struct ipc_client *, uint64_t id,
	    const char *name);
void	 dnsbl_start(struct resolver *, struct ipc_client *, uint64_t id,
	    const char *name);
void	 tlsa_start(struct resolver *, struct ipc_client *, uint64_t id,
	    const char *name);

#endif
