/* What an smtpd process keeps from one connection to the next. */
#ifndef SMTPD_SERVER_H
#define SMTPD_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/config.h"
#include "lib/net/proto_resolver.h"
#include "lib/net/tls_server.h"
#include "lib/store/spool.h"
#include "smtpd/access.h"
#include "smtpd/lookup.h"

struct wall;

struct server {
	const struct config	*config;
	struct spool		 spool;
	bool			 has_spool;
	struct lookup		 lookup;
	char			 auth_path[108];
	struct resolver_client	 resolver;
	char			 resolver_path[108];
	char			 key_path[108];
	/*
	 * NULL where no listener has TLS.  Users may be asked for a
	 * certificate, other servers are not; where nobody is, both are the
	 * same.
	 */
	struct tls_server	*tls, *tls_users;
	struct access		*client, *sender, *recipient;
	int64_t			 room_asked;	/* monotonic ms */
	uint64_t		 room;		/* octets above min-free */
};

/*
 * Read the access lists; in the parent, so that errors are seen at start.  0,
 * or -1 with lines "FILE:LINE: reason" in err.
 */
int	 server_init(struct server *, const struct config *, struct buf *err);
/*
 * In the parent, before the first fork, for the listeners that have TLS.  0, or
 * -1 with error: keyd is not there yet.
 */
int	 server_tls(struct server *, const struct config_listen *, size_t n,
	    char error[TLS_TEXT]);
/* In the parent, once: remove what killed processes left in tmp/. */
void	 server_sweep(const struct server *);
/*
 * In the parent: what a process has to reach, beside the sockets and what
 * server_start() opens.
 */
void	 server_wall(const struct server *, struct wall *);
/*
 * In the process that serves: harden, open the spool.  A spool that is not
 * there is logged, and tried again by server_spool(); behind a wall a process
 * may be unable to, so it leaves after its connection.
 */
void	 server_start(void *server);
/* The spool, or NULL with errno when it cannot be opened now. */
struct spool	*server_spool(struct server *);
/*
 * Is there room for a message of so many octets (0: unknown), with min-free
 * left over?  Asked of the file system once a second at most.
 */
bool	 server_has_room(struct server *, uint64_t size);

#endif
