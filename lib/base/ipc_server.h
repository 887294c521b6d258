/*
 * The asked side of ipc.h inside a libevent loop: accepts clients, checks who
 * they are, hands each request to one function, sends answers, now or later.
 */
#ifndef BASE_IPC_SERVER_H
#define BASE_IPC_SERVER_H

#include <sys/types.h>
#include <stdbool.h>

#include "lib/base/ipc.h"

struct event_base;
struct ipc_client;
struct ipc_server;

/* May this uid and gid connect at all?  False closes and logs. */
typedef bool	 ipc_allow_fn(uid_t uid, gid_t gid, void *arg);
/*
 * One request.  Decode it, end with ipc_end(), answer exactly once with
 * ipc_client_answer() now or later (hold the client by ipc_client_ref()).
 * Return -1 for a malformed or forbidden request: the client is closed and
 * it is logged.
 */
typedef int	 ipc_request_fn(struct ipc_client *, struct ipc_msg *req,
		    void *arg);

/*
 * Serve fd (from ipc_listen(), now the server's).  At most max_clients at
 * once; further ones wait in the backlog.  arg is passed through.
 */
struct ipc_server	*ipc_server_new(struct event_base *, int fd,
			    unsigned int max_clients, ipc_allow_fn *,
			    ipc_request_fn *, void *arg);
/*
 * From now on three quarters of the clients at most are of one uid, and further
 * ones of it are closed and logged: a service that was taken over does not
 * keep the others out.
 */
void			 ipc_server_share(struct ipc_server *);
/* How many clients are of the uid. */
unsigned int	 ipc_server_count(const struct ipc_server *, uid_t);
/* Close the socket and every client. */
void	 ipc_server_free(struct ipc_server *);

/*
 * Send an answer, or keep it until there is room; no request of the client is
 * read meanwhile.  One that does not read for 30 seconds is closed, at once
 * when the answer has descriptors.  Harmless when the client has gone.
 */
void	 ipc_client_answer(struct ipc_client *, struct ipc_msg *ans);
uid_t	 ipc_client_uid(const struct ipc_client *);
gid_t	 ipc_client_gid(const struct ipc_client *);
pid_t	 ipc_client_pid(const struct ipc_client *);
bool	 ipc_client_gone(const struct ipc_client *);
void	 ipc_client_ref(struct ipc_client *);
void	 ipc_client_unref(struct ipc_client *);

#endif
